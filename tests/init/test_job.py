"""`cargo_sync init job`, as a person answers it, with a server that answers from a table."""

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cargo_sync.api.invitation import Invitation
from cargo_sync.api.server_trust import SeenServer
from cargo_sync.config.job import load_job
from cargo_sync.init import job
from cargo_sync.init.far import FarLogin, FarSide, TrustedServer
from cargo_sync.init.forecast import FileAmount
from cargo_sync.init.questions import InitError
from cargo_sync.trees.cargo.replies import SpaceReply
from tests.control.canned import canned
from tests.init.conftest import Answer, left

FINGERPRINT, URL = "ab" * 32, "https://files.example:8443"
INVITED = Invitation("ana", URL, FINGERPRINT, "Zr0u5lXb8m2c1wq7TnKpLA")
LINE, SECRET, PASSWORD = str(INVITED), "cargo-device-canary", "canary ${x} word"


def space(name: str, access: str = "rw") -> SpaceReply:
    fields = {"epoch": "e", "sequence": 0, "lineage": "l"}
    return SpaceReply.read({"name": name, "access": access, **fields})


@dataclass
class Table:
    """What the server has, and what it was asked."""

    seen: SeenServer = field(
        default_factory=lambda: SeenServer(URL, "cargo", sealed=True, fingerprint=FINGERPRINT)
    )
    spaces: list[SpaceReply] = field(default_factory=lambda: [space("default")])
    folders: list[str] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    lost: bool = False


class TableFar(FarSide):
    """Its questions of trust are real; what needs a network comes from the table."""

    table: ClassVar[Table]

    def reached(self, url: str, *, any_port: bool) -> SeenServer:
        self.table.asked.append(("reached", url))
        if "nowhere" in url:
            raise InitError("nobody answers there", again=True)
        return self.table.seen

    def log_in(self, server: TrustedServer, user: str, secret: str) -> FarLogin:
        self.table.asked.append(("log in", user))
        if secret != PASSWORD:
            raise InitError("wrong user name or password", again=True)
        return FarLogin(user, secret)

    def redeem(self, server: TrustedServer, invitation: Invitation, device: str) -> FarLogin:
        self.table.asked.append(("redeem", invitation.token))
        return FarLogin(invitation.user, SECRET, "laptop")

    def end_device(self) -> None:
        self.table.asked.append("end device")
        if self.table.lost:
            raise InitError("the server is gone")

    def spaces(self) -> list[SpaceReply]:
        return self.table.spaces

    def folders(self, space: str) -> list[str]:
        return self.table.folders

    def amount(self, space: str, folder: str) -> FileAmount:
        return FileAmount(3, 5_000)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    one = Table()
    monkeypatch.setattr(TableFar, "table", one, raising=False)
    monkeypatch.setattr(job, "FarSide", TableFar)
    return one


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    daemons: list[str] = []
    monkeypatch.setattr("cargo_sync.main._daemon", lambda *_, **__: daemons.append("daemon"))
    monkeypatch.setattr("cargo_sync.init.first_run.told", lambda name, _: daemons.append(name))
    return daemons


@pytest.fixture
def photos(home: Path) -> Path:
    folder = home / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"12345")
    return folder


def written(home: Path, name: str = "photos") -> dict[str, Any]:
    path = home / f"config/cargo_sync/jobs/{name}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings: dict[str, Any] = json.loads(path.read_text())
    assert load_job(str(path), {}).name == settings["sync_name"]
    return settings


def test_with_an_invitation_four_answers_are_enough(
    home: Path, photos: Path, answer: Answer, table: Table, started: list[str]
) -> None:
    result = answer("job", typed=(LINE, "photos", "up", ""))
    assert result.exit_code == 0, result.output
    secret = home / "config/cargo_sync/passwords/photos"
    assert written(home) == {
        "sync_name": "photos",
        "sync_mode": "upload",
        "local_dir": str(photos),
        "hostname": URL,
        "tls_fingerprint": FINGERPRINT,
        "remote_dir": "/",
        "username": "ana",
        "password_file": str(secret),
    }
    assert secret.read_text() == f"{SECRET}\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "photos: 1 file, 5 B" in result.output
    assert "default:/ on the server: 3 files, 5.0 kB" in result.output
    assert "sends at most 1 file, 5 B" in result.output
    assert started == ["photos", "daemon"]
    assert SECRET not in result.output
    assert table.asked == [("reached", URL), ("redeem", INVITED.token)]


@pytest.mark.parametrize("answers", range(4))
def test_who_gives_up_leaves_nothing_behind(
    home: Path, answer: Answer, table: Table, started: list[str], answers: int
) -> None:
    typed = (LINE, "new folder", "upload", "y")[:answers]
    result = answer("job", typed=typed)
    assert result.exit_code == 1
    assert (left(home), started) == ([], [])
    assert not (home / "new folder").exists()
    assert ("end device" in table.asked) is (answers == 3)
    assert ("the invitation is used up" in result.output.lower()) is (answers == 3)


def test_a_login_that_cannot_be_ended_is_named(
    home: Path, photos: Path, answer: Answer, table: Table
) -> None:
    table.lost = True
    result = answer("job", typed=(LINE, "photos", "upload"))
    assert 'may still log in as ana, as "laptop"' in result.output
    assert left(home) == ["photos/a.jpg"]


def test_a_job_that_cannot_be_written_leaves_nothing_behind(
    home: Path, answer: Answer, table: Table, started: list[str]
) -> None:
    (home / "config/cargo_sync").mkdir(parents=True)
    (home / "config/cargo_sync/jobs").write_text("in the way")
    result = answer("job", typed=(LINE, "new", "download", ""))
    assert result.exit_code == 1
    assert left(home) == ["config/cargo_sync/jobs"]
    assert not (home / "new").exists()
    assert table.asked[-1] == "end device"


def test_an_address_is_asked_about_and_a_password(
    home: Path, answer: Answer, table: Table, started: list[str]
) -> None:
    table.spaces = [space("default"), space("music", "ro"), space("shared")]
    table.folders = ["photos", "b\x1b[2J"]
    typed = (
        "http://files.example", "sftp://a@nas.example/x", "nowhere.example", "files.example", "y",
        "ana", "wrong", "ana", PASSWORD,
        "a/b/c", "new",
        "sideways", "DOWN", "shared", "/../x", "photos/2026", "n",
    )  # fmt: skip
    result = answer("job", typed=typed)
    assert result.exit_code == 0, result.output
    for words in (
        "http:// is only for this machine",
        "contains a user or password",
        "Error: nobody answers there",
        f"sha256:{FINGERPRINT}",
        "Error: wrong user name or password",
        "there is no folder",
        "'sideways' is not one of up, down and both",
        "Folders on the server: photos, b\\x1b[2J",
        '".." is not allowed',
        "brings 3 files",
        "\n    cargo_sync daemon\n",
    ):
        assert words in result.output
    settings = written(home, "new")
    assert (settings["workspace"], settings["remote_dir"]) == ("shared", "/photos/2026")
    assert Path(settings["password_file"]).read_text() == f"{PASSWORD}\n"
    assert load_job(str(home / "config/cargo_sync/jobs/new.json"), {}).password.reveal() == PASSWORD
    assert (home / "new").is_dir()
    assert started == []
    known = home / "config/cargo_sync/known_servers"
    assert known.read_text() == f"files.example:8443 {FINGERPRINT}\n"
    again = answer(
        "job", typed=("files.example", "ana", PASSWORD, "two", "upload", "shared", "", "n")
    )
    assert (again.exit_code, "Is it the same?" in again.output) == (0, False)


def test_who_does_not_know_the_certificate_sends_nothing(
    home: Path, answer: Answer, table: Table
) -> None:
    result = answer("job", typed=("files.example", "n"))
    assert (result.exit_code, left(home)) == (1, [])
    assert "files.example:8443 is not trusted" in result.output
    table.seen = SeenServer(URL, "cargo", sealed=True, fingerprint="cd" * 32)
    result = answer("job", typed=(LINE,))
    assert "IS NOT THAT OF THE INVITATION" in result.output
    assert table.asked == [("reached", URL)] * 2


def test_a_certificate_of_an_authority_is_not_pinned(
    home: Path, photos: Path, answer: Answer, table: Table, started: list[str]
) -> None:
    table.seen = SeenServer(URL, "cargo", sealed=True, trusted=True, fingerprint="cd" * 32)
    assert answer("job", typed=(LINE, "photos", "upload", "")).exit_code == 0
    assert "tls_fingerprint" not in written(home)


def test_nothing_is_asked(
    home: Path, photos: Path, answer: Answer, table: Table, started: list[str]
) -> None:
    place = ("--folder", "photos", "--mode", "upload", "--yes")
    (home / "line").write_text(LINE)
    result = answer("job", "--invite-file", "line", *place, "--speed", "10mbps", "--name", "p")
    assert (result.exit_code, started) == (0, []), result.output
    assert written(home, "p")["speed"] == "10mbps"
    assert answer("job", "--invite-file", "-", *place, typed=(LINE,)).exit_code == 2  # overlaps
    (home / "other").mkdir()
    (home / "password").write_text(f"{PASSWORD}\n")
    login = ("--server", "files.example", "--user", "ana", "--password-file", "password")
    place = ("--folder", "other", "--mode", "upload", "--yes")
    result = answer("job", *login, *place)
    assert "no known authority has signed the certificate" in result.output
    result = answer("job", *login, "--tls-fingerprint", FINGERPRINT, *place)
    assert result.exit_code == 0, result.output
    assert written(home, "other")["password_file"] == str(home / "password")
    for missing in ("--user", "--password-file"):
        at = login.index(missing)
        given = (*login[:at], *login[at + 2 :], "--tls-fingerprint", FINGERPRINT)
        result = answer("job", *given, "--folder", "third", "--mode", "upload", "--yes")
        assert (result.exit_code, missing in result.output) == (2, True)


def test_the_authorities_of_ones_own(
    home: Path, photos: Path, answer: Answer, table: Table, started: list[str]
) -> None:
    (home / "ca.pem").write_text("")
    (home / "password").write_text(f"{PASSWORD}\n")
    login = ("--server", "files.example", "--user", "ana", "--password-file", "password")
    place = ("--folder", "photos", "--mode", "up", "--yes")
    assert answer("job", *login, "--ca-file", "ca.pem", *place).exit_code == 0
    settings = written(home)
    assert settings["ca_file"] == str(home / "ca.pem")
    assert "tls_fingerprint" not in settings


def test_a_secret_is_never_an_argument(home: Path, answer: Answer, table: Table) -> None:
    result = answer("job", "--server", LINE)
    assert (result.exit_code, "--invite-file" in result.output) == (2, True)
    assert table.asked == []


@pytest.fixture
def daemon(runtime: str) -> Iterator[Any]:
    with canned(runtime, {"job.add": {"name": "photos", "file": "/jobs/p.json"}}) as one:
        yield one


def test_a_running_daemon_gets_the_job(
    home: Path, photos: Path, answer: Answer, table: Table, daemon: Any, started: list[str]
) -> None:
    result = answer("job", typed=(LINE, "photos", "upload", ""))
    assert result.exit_code == 0, result.output
    assert "Add it to the running daemon?" in result.output
    ((cmd, args),) = daemon.asked
    assert (cmd, json.loads(args["text"])["sync_name"]) == ("job.add", "photos")
    assert SECRET not in args["text"]
    assert left(home) == ["config/cargo_sync/passwords/photos", "photos/a.jpg"]
    assert started == []


def test_a_file_of_ones_own_place(
    home: Path, photos: Path, answer: Answer, table: Table, daemon: Any
) -> None:
    result = answer("job", "my jobs/p.json", typed=(LINE, "photos", "upload", ""))
    file = home / "my jobs/p.json"
    assert f"cargo_sync daemon --job '{file}'" in result.output
    assert (daemon.asked, load_job(str(file), {}).name) == ([], "photos")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("mine")
    assert answer("job", str(file), typed=("n",)).exit_code == 1
    assert file.read_text() == "mine"


def test_two_jobs_of_one_name_are_told_apart(
    home: Path, photos: Path, answer: Answer, table: Table, started: list[str]
) -> None:
    other = home / "b/photos"
    other.mkdir(parents=True)
    assert answer("job", typed=(LINE, "photos", "upload", "n")).exit_code == 0
    result = answer("job", typed=(LINE, "photos/inside", "b/photos", "upload", "n"))
    assert "overlaps with" in result.output and 'of the job "photos"' in result.output
    assert written(home, "photos-2")["sync_name"] == "photos 2"
    secrets = sorted((home / "config/cargo_sync/passwords").iterdir())
    assert [path.name for path in secrets] == ["photos", "photos-2"]


def test_who_may_only_read_cannot_upload(
    home: Path, photos: Path, answer: Answer, table: Table
) -> None:
    table.spaces = [space("music", "ro")]
    result = answer("job", typed=(LINE, "photos", "upload"))
    assert (result.exit_code, "may not write" in result.output) == (1, True)
    assert table.asked[-1] == "end device"
