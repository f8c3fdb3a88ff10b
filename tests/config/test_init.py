"""`cargo_sync init`, as a person answers it."""

import shlex
import stat
from pathlib import Path

import argon2
import click
import pytest
from click.testing import CliRunner, Result

from cargo_sync.config import places
from cargo_sync.config.job import load_job
from cargo_sync.config.server import load_server
from cargo_sync.init import run_init


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(
        argon2, "PasswordHasher", lambda: _Quick(time_cost=1, memory_cost=8, parallelism=1)
    )


_Quick = argon2.PasswordHasher


def answer(kind: str, path: str | None, *answers: str) -> Result:
    @click.command()
    def command() -> None:
        raise SystemExit(run_init(kind, path))

    return CliRunner().invoke(command, input="".join(f"{answer}\n" for answer in answers))


def test_a_server(tmp_path: Path) -> None:
    result = answer(
        "server",
        None,
        "here:1",
        "127.0.0.1:9000",
        "a/b",
        "ana",
        "one",
        "two",
        "pa${x",
        "pa${x",
        "",
        "",
    )
    file = tmp_path / "config/cargo_sync/server.json"
    assert result.exit_code == 0, result.output
    assert result.output.rstrip().endswith("\n    cargo_sync server")
    assert places.server_file({"XDG_CONFIG_HOME": str(tmp_path / "config")}) == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["server.json"]
    settings = load_server(str(file), {})
    (user,) = settings.users
    assert (settings.host, settings.port, user.username) == ("127.0.0.1", 9000, "ana")
    assert settings.initial_port == 9001
    assert (user.path, user.password) == (str(tmp_path / "cargo-ana"), None)
    assert "pa$" not in file.read_text() + result.output
    assert user.password_hash is not None and argon2.PasswordHasher().verify(
        user.password_hash, "pa${x"
    )


def test_a_job(tmp_path: Path) -> None:
    answers = [
        "Mi trabajo",
        "upload",
        str(tmp_path / "out"),
        "y",
        "http://a.org",
        "a.org",
        "zz",
        "ab" * 32,
    ]
    result = answer("job", None, *answers, "", "ana", "p${HOME} a${b", "10 mb", "10mbps", "")
    file = tmp_path / "config/cargo_sync/jobs/Mi-trabajo.json"
    assert result.exit_code == 0, result.output
    assert result.output.rstrip().endswith("cargo_sync daemon")
    assert "is not a SHA-256 fingerprint (expected: 64 hex digits" in result.output
    assert '"10 mb" is not a speed (expected: a number and bps, kbps' in result.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    job = load_job(str(file), {})
    assert (job.name, job.mode, job.local_dir) == ("Mi trabajo", "upload", str(tmp_path / "out"))
    assert (job.url, job.tls_fingerprint) == ("https://a.org:8443", "ab" * 32)
    assert (job.username, job.password.reveal(), job.speed) == ("ana", "p${HOME} a${b", 10_000_000)
    assert (tmp_path / "out").is_dir()


def test_a_file_of_ones_own_place_is_never_replaced_unasked(tmp_path: Path) -> None:
    file = tmp_path / "my jobs" / "job.json"
    file.parent.mkdir()
    file.write_text("mine")
    answers = [
        "n",
        "download",
        str(tmp_path / "in"),
        "n",
        "http://localhost",
        "/a",
        "ana",
        "secret",
        "",
    ]
    result = answer("job", str(file), *answers, "n")
    assert (result.exit_code, file.read_text()) == (1, "mine")
    result = answer("job", str(file), *answers, "y")
    assert result.exit_code == 0
    assert f"cargo_sync daemon --job {shlex.quote(str(file))}" in result.output
    assert load_job(str(file), {}).remote_dir == "a"


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = answer("server", str(tmp_path / "file" / "server.json"), "", "ana", "p", "p", "")
    assert result.exit_code == 2
    assert "cannot be written" in result.output
