"""pydio-sync's options, one by one as its page lists them: what each means here, what is
refused."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner, Result

from cargo_sync import pydio
from cargo_sync.api.addresses import job_instance
from cargo_sync.config.control import ControlSettings
from cargo_sync.config.daemon import DaemonSettings
from cargo_sync.config.job import JobSettings
from cargo_sync.daemon import app
from cargo_sync.daemon.jobs.loading import JobFiles

PASSWORD = "canary-${not a variable}"


@dataclass
class Started:
    """What a daemon was started with."""

    settings: DaemonSettings
    files: JobFiles
    instance: str

    @property
    def job(self) -> JobSettings:
        [job] = self.files.read().jobs
        return job


class Command:
    """The command, whose daemon is not run."""

    def __init__(self) -> None:
        self.started: Started | None = None

    def call(self, *arguments: str) -> Result:
        def run(application: Any, _log: object, _name: str) -> None:
            waiting: Coroutine[Any, Any, None] = application(None)
            asyncio.run(waiting)

        def refuse(lines: list[str]) -> NoReturn:
            print("\n".join(lines))
            raise SystemExit(2)

        return CliRunner().invoke(pydio.pydio_sync, arguments, obj=pydio.PydioProgram(run, refuse))

    def start(self, *arguments: str) -> Started:
        result = self.call(*arguments)
        assert result.exit_code == 0, result.output
        assert self.started is not None
        return self.started

    def refused(self, *arguments: str) -> list[str]:
        self.started = None
        result = self.call(*arguments)
        assert (result.exit_code, self.started) == (2, None), result.output
        assert "canary" not in result.output
        return result.output.splitlines()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    one = Command()

    async def run(settings: DaemonSettings, files: JobFiles, *, instance: str, **_: Any) -> None:
        one.started = Started(settings, files, instance)

    monkeypatch.setattr(app, "run", run)
    monkeypatch.setenv("SECRET", PASSWORD)
    return one


@pytest.fixture
def folder(tmp_path: Path) -> str:
    path = tmp_path / "PydioFolder"
    path.mkdir()
    return str(path)


@pytest.fixture
def usual(folder: str) -> list[str]:
    """What is needed when there is no file."""
    return ["-d", folder, "-u", "JohnDoe", "-p", "${SECRET}", "-dir", "up"]


def written(folder: Path, **fields: Any) -> str:
    path = folder / "JSONconfigFile.json"
    path.write_text(json.dumps(fields))
    path.chmod(0o600)
    return str(path)


def test_the_defaults(command: Command, usual: list[str], folder: str) -> None:
    started = command.start(*usual)
    job = started.job
    assert (job.url, job.workspace, job.name) == (
        "https://localhost:8443",
        "default",
        "PydioFolder",
    )
    assert (job.local_dir, job.username, job.password.reveal(), job.mode) == (
        folder,
        "JohnDoe",
        PASSWORD,
        "upload",
    )
    assert started.settings.control == ControlSettings(port=5556, plain_loopback=True)
    assert started.instance == job_instance(folder)
    assert started.settings.state_dir.endswith(f"/{started.instance}")


def test_s_the_server(command: Command, usual: list[str]) -> None:
    for given, url in (
        ("https://myserver.com/pydio", "https://myserver.com:8443/pydio"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("files.example.org:443", "https://files.example.org:443"),
    ):
        assert command.start("-s", given, *usual).job.url == url
    [line] = command.refused("-s", "http://myserver.com/pydio", *usual)
    assert line.startswith("-s: http:// sends the password and the files unencrypted")
    allowed = command.start("-s", "http://myserver.com", "--allow-plain", *usual).job
    assert allowed.url == "http://myserver.com:8443"
    assert command.refused("-s", "gopher://myserver.com", *usual)[0].startswith(
        "-s: names nothing that Cargo knows"
    )


def test_the_servers_certificate(command: Command, usual: list[str]) -> None:
    one, other = "ab" * 32, "cd" * 32
    assert command.start("--tls-fingerprint", one, *usual).job.tls_fingerprint == one
    [line] = command.refused("--tls-fingerprint", "canary", *usual)
    assert line.startswith("--tls-fingerprint: is not a SHA-256 fingerprint")
    file = written(Path(usual[1]).parent, tls_fingerprint=other, allow_plain=False)
    assert command.start("-f", file, *usual).job.tls_fingerprint == other
    job = command.start("-f", file, "--tls-fingerprint", one, *usual).job
    assert job.tls_fingerprint == one


def test_d_the_local_folder(
    command: Command, usual: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    odd = tmp_path / "a ${b} c"
    odd.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    for given, meant in (
        ("PydioFolder", "PydioFolder"),
        ("~/PydioFolder", "PydioFolder"),
        (str(odd), odd),
    ):
        assert command.start(*usual, "-d", given).job.local_dir == str(tmp_path / meant)
    none = str(tmp_path / "none")
    assert command.refused(*usual, "-d", none) == [
        f"-d: there is no folder {none} (make it, or correct the path)"
    ]
    assert command.refused(*usual, "-d", "")[0].startswith("-d: is empty")


def test_w_the_workspace(command: Command, usual: list[str]) -> None:
    job = command.start("-w", "myWorkspaceToSync", *usual).job
    assert (job.workspace, job.name) == ("myWorkspaceToSync", "myWorkspaceToSync PydioFolder")
    assert command.refused("-w", "a/b", *usual)[0].startswith('-w: may not contain "/"')


def test_u_and_p_the_login(command: Command, usual: list[str], folder: str) -> None:
    assert command.refused(*usual, "-u", "John:Doe")[0].startswith('-u: may not contain "/" or ":"')
    assert command.refused(*usual, "-p", "${UNSET}") == [
        "-p: the environment variable UNSET is not set (set UNSET before starting)"
    ]
    assert command.refused(*usual, "-p", "")[0].startswith("-p: is empty")
    assert [line.split(": ")[:2] for line in command.refused("-d", folder, "-dir", "up")] == [
        ["-u", "is missing (expected"], ["-p", "is missing (expected"],
    ]  # fmt: skip


def test_dir_the_direction(command: Command, usual: list[str]) -> None:
    assert command.start(*usual, "-dir", "down").job.mode == "download"
    assert command.start(*usual, "-dir", "bi").job.mode == "bidirectional"
    assert command.start(*usual[:-2]).job.mode == "bidirectional", "its default"
    assert "'-dir': 'sideways' is not one of" in command.refused(*usual, "-dir", "sideways")[-1]


def test_z_the_port(command: Command, usual: list[str]) -> None:
    assert command.start("-z", "4567", *usual).settings.control.port == 4567
    for port in ("0", "65535", "http"):
        assert "-z" in command.refused("-z", port, *usual)[-1]


THEIRS = {
    "server": "https://there.example", "workspace": "shared", "directory": "PydioFolder",
    "user": "ana",
    "password": "canary-file", "direction": "down", "remote_folder": "/sub", "solve": "both",
    "filters": {"includes": ["*"], "excludes": ["*.bak"]},
}  # fmt: skip
OURS = {
    "hostname": "https://there.example", "workspace": "shared", "local_dir": "PydioFolder",
    "username": "ana", "password": "canary-file", "sync_mode": "download", "remote_dir": "/sub",
    "filters": {"include": ["*"], "exclude": ["*.bak"]}, "sync_name": "shared PydioFolder",
}  # fmt: skip


@pytest.mark.parametrize("fields", [THEIRS, OURS], ids=["theirs", "ours"])
def test_f_a_file_of_either_kind_and_arguments_win_over_it(
    command: Command, folder: str, tmp_path: Path, fields: dict[str, Any]
) -> None:
    path = written(tmp_path, **fields)
    started = command.start("-f", path)
    job = started.job
    assert (
        job.url,
        job.workspace,
        job.local_dir,
        job.username,
        job.password.reveal(),
        job.mode,
    ) == ("https://there.example:8443", "shared", folder, "ana", "canary-file", "download")
    assert (job.remote_dir, job.include, job.exclude[-1], job.name) == (
        "sub",
        ("*",),
        "*.bak",
        "shared PydioFolder",
    )
    assert (started.instance, job.file) == (job_instance(path), path)
    other = tmp_path / "other"
    other.mkdir()
    job = command.start(
        "-f",
        path,
        "-s",
        "here.example",
        "-w",
        "mine",
        "-d",
        str(other),
        "-u",
        "ben",
        "-p",
        "${SECRET}",
        "-dir",
        "up",
    ).job
    assert (
        job.url,
        job.workspace,
        job.local_dir,
        job.username,
        job.password.reveal(),
        job.mode,
    ) == ("https://here.example:8443", "mine", str(other), "ben", PASSWORD, "upload")
    assert (job.remote_dir, job.exclude[-1]) == ("sub", "*.bak")


def test_f_says_what_no_option_does_and_a_password_file_gives_way(
    command: Command, usual: list[str], tmp_path: Path
) -> None:
    path = written(tmp_path, speed="10mbps", password_file=str(tmp_path / "none"))
    job = command.start(*usual, "-f", path).job
    assert (job.speed, job.password.reveal(), job.warnings) == (10_000_000, PASSWORD, ())
    Path(path).chmod(0o644)  # it holds no secret
    assert command.start(*usual, "-f", path).job.warnings == ()


def test_f_errors_name_the_field_or_the_option(command: Command, tmp_path: Path) -> None:
    path = written(tmp_path, **THEIRS | {"user": "a:b", "remote_folder": "../x"})
    assert [line.split(": ")[:2] for line in command.refused("-f", path, "-w", "a/b")] == [
        ["-w", 'may not contain "/" or ":", nor be "." or ".." (expected'],
        [f"{path}:1", "remote_folder"],
        [f"{path}:1", "user"],
    ]
    assert command.refused("-f", str(tmp_path / "none.json"))[0].endswith(
        "No such file or directory"
    )


def test_the_file_is_read_again_and_the_arguments_stay(
    command: Command, folder: str, tmp_path: Path
) -> None:
    started = command.start("-f", written(tmp_path, **THEIRS), "-u", "ben")
    before = started.job
    written(tmp_path, **THEIRS | {"user": "cleo", "remote_folder": "new"})
    now = started.files.read_one(before, [before])
    assert (now.username, now.remote_dir) == ("ben", "new")
    (tmp_path / "JSONconfigFile.json").write_text("{")
    assert started.files.read([now]).jobs == (now,)
    assert len(started.files.read([now]).errors) == 1


def test_without_a_file_reading_again_changes_nothing(command: Command, usual: list[str]) -> None:
    started = command.start(*usual)
    job = started.job
    assert started.files.read_one(job, [job]) == job
    assert started.files.read([job]).jobs == (job,)


def test_a_password_of_no_sane_length(command: Command, usual: list[str]) -> None:
    assert "is longer than 4096 bytes" in command.refused(*usual, "-p", "x" * 5000)[-1]


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["-s", "x"], True),
        (["-d", "x"], True),
        (["-dir", "up"], True),
        (["-z", "1"], True),
        (["-pSECRET"], True),
        (["-h"], False),
        (["--help"], False),
        (["daemon", "-z", "1"], False),
        ([], False),
    ],
)
def test_when_the_command_line_is_pydio_syncs(arguments: list[str], meant: bool) -> None:
    assert pydio.is_meant(arguments) is meant
