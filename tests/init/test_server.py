"""`cargo_sync init server`, as a person answers it."""

import socket
import stat
from pathlib import Path

import pytest

from cargo_sync.config import places
from cargo_sync.config.server import load_server
from cargo_sync.init import server
from tests.init.conftest import Answer

IS_FREE = server._is_free


@pytest.fixture(autouse=True)
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_is_free", lambda port: True)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of servers that were started."""
    files: list[str] = []
    monkeypatch.setattr("cargo_sync.main._server", files.append)
    return files


def test_two_answers_are_enough(home: Path, answer: Answer, started: list[str]) -> None:
    result = answer("server", typed=("", ""))
    file = home / "config/cargo_sync/server.json"
    assert result.exit_code == 0, result.output
    assert started == [str(file)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    settings = load_server(str(file), {})
    assert (settings.host, settings.port, settings.initial_port) == ("0.0.0.0", 8443, 8444)
    assert (settings.users_dir, settings.users) == (str(home / "cargo-files"), ())
    assert "cargo_ctl user invite NAME --address" in result.output
    assert [path.name for path in file.parent.iterdir()] == ["server.json"]


def test_only_the_file(home: Path, answer: Answer, started: list[str]) -> None:
    result = answer("server", "my server.json", typed=("no/such/folder", "${x}", "n"))
    assert result.exit_code == 0, result.output
    assert "there is no folder" in result.output
    assert started == []
    assert f"cargo_sync server --config '{home}/my server.json'" in result.output
    assert load_server(str(home / "my server.json"), {}).users_dir == str(home / "${x}")


def test_nothing_is_asked(home: Path, answer: Answer, started: list[str]) -> None:
    args = ("--yes", "--listen", "127.0.0.1:9000", "--users-dir", "here")
    result = answer("server", "a.json", *args)
    assert (result.exit_code, started) == (0, [])
    settings = load_server(str(home / "a.json"), {})
    assert (settings.host, settings.port, settings.initial_port) == ("127.0.0.1", 9000, 9001)
    assert settings.users_dir == str(home / "here")
    assert answer("server", "a.json", *args).exit_code == 1
    for wrong in (("--listen", "here:1"), ("--users-dir", "no/such/folder")):
        assert answer("server", "b.json", "--yes", *wrong).exit_code == 2
    assert not (home / "b.json").exists()


def test_a_file_is_not_replaced_unasked(home: Path, answer: Answer, started: list[str]) -> None:
    file = home / "config/cargo_sync/server.json"
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    assert answer("server", typed=("n",)).exit_code == 1
    assert answer("server", typed=("y", "")).exit_code == 1  # Ctrl-D at the last question
    assert (file.read_text(), started) == ("mine", [])
    assert answer("server", typed=("y", "", "")).exit_code == 0
    assert load_server(str(file), {}).port == 8443


def test_a_port_in_use_is_asked_about(
    home: Path, answer: Answer, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_is_free", IS_FREE)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(places, "DEFAULT_PORT", taken.getsockname()[1])
        result = answer("server", "a.json", typed=("", "127.0.0.1:1", "n"))
    assert "is in use. Listen on" in result.output
    assert load_server(str(home / "a.json"), {}).port == 1


def test_what_cannot_be_written_is_said(home: Path, answer: Answer) -> None:
    (home / "file").write_text("")
    result = answer("server", "file/server.json", typed=("", ""))
    assert result.exit_code == 1
    assert "cannot be written" in result.output
