"""From nothing to the first file of one's own: README's quick start, at two terminals."""

from pathlib import Path

import pytest

from tests.cargo_ctl.shell.terminal import CTRL_C, Screen, screen
from tests.e2e.processes import Place


@pytest.fixture
def nothing(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of somebody who has just installed Cargo, with one folder of their own."""
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)
    for variable in ("XDG_STATE_HOME", "CARGO_CONTROL"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/first.jpg").write_bytes(b"a picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invitation(place: Place) -> str:
    made = place.run("cargo_ctl", "user", "invite", "ana", "--address", "localhost")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def answer(job: Screen, line: str, folder: str, way: str) -> str:
    """Answers all questions but the last one; what is said before that."""
    job.wait("Invitation, or address of the server")
    job.type(line)
    job.wait("Folder on this machine")
    job.type(folder)
    job.wait("both ways (up, down, both)")
    job.type(way)
    return job.wait("Start it now, in this terminal, until Ctrl-C?")


def test_six_answers_at_two_terminals(place: Place, nothing: Path) -> None:
    # The usual port may be in use where tests run; a person leaves the option out.
    listen = f"127.0.0.1:{place.api}"
    with screen("cargo_sync", "init", "server", "--listen", listen) as server:
        server.wait("Folder for the files of its users")
        server.type("")
        server.wait("Start the server now, in this terminal?")
        server.type("")
        server.wait("certificate fingerprint: ")
        before = set(nothing.rglob("*"))
        with screen("cargo_sync", "init", "job") as job:
            answer(job, invitation(place), "new", "both")
            job.interrupt("Nothing was written. The invitation is used up")
            assert job.end() == 1
        left = {path for path in set(nothing.rglob("*")) - before if path.name != "ana"}
        assert {path for path in left if "cargo-files" not in path.parts} == set()
        assert "device" not in place.run("cargo_ctl", "user", "show", "ana").stdout
        with screen("cargo_sync", "init", "job") as job:
            said = answer(job, invitation(place), "photos", "up")
            assert "The first run sends 1 file, 9 B." in said
            job.type("")
            job.wait("photos: synced, 1 file is on the server")
            assert (nothing / "cargo-files/ana/first.jpg").read_bytes() == b"a picture"
            assert ", last used " in place.run("cargo_ctl", "user", "show", "ana").stdout
            job.press(CTRL_C)
            assert job.end() == 0
        server.press(CTRL_C)
        assert server.end() == 0
