"""The whole server in this process: up, reloaded, and down in order."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import argon2
import pytest

from cargo_sync.config.server import load_server
from cargo_sync.local.lock import lock_root
from cargo_sync.local.root import Root
from cargo_sync.model.checkpoints import Checkpoint
from cargo_sync.model.problems import ProblemError
from cargo_sync.server import app
from cargo_sync.server.server import Up
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.server.surroundings import CHEAP, until


def settings(place: Path, **changed: Any) -> Path:
    """A server's file, on free ports."""
    file = place / "server.json"
    users = [{"username": "ana", "password": "correct horse", "path": str(place / "ana")}]
    content = {
        "listen": "127.0.0.1:0",
        "initial_port": 0,
        "state_dir": str(place / "state"),
        "users": users,
    }
    file.write_text(json.dumps({**content, **changed}))
    file.chmod(0o600)
    return file


@asynccontextmanager
async def running(file: Path) -> AsyncIterator[Up]:
    """A server until it is stopped, by a signal, as anybody would."""
    up: asyncio.Future[Up] = asyncio.get_running_loop().create_future()
    server = asyncio.ensure_future(app.run(load_server(str(file), os.environ), ready=up.set_result))
    server.add_done_callback(lambda _: up.done() or up.cancel())
    try:
        await asyncio.wait({up})
        if server.done():
            server.result()
        yield up.result()
    finally:
        if not server.done():
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(server, 60)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


async def status(api: str, name: str, password: str, fingerprint: str) -> int:
    """Of a login, over TLS with the certificate pinned."""
    pin = aiohttp.Fingerprint(bytes.fromhex(fingerprint.removeprefix("sha256:")))
    body = json.dumps({"username": name, "password": password})
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{api}/v1/login", data=body, ssl=pin) as response,
    ):
        return response.status


@pytest.mark.sqlite
async def test_up_and_down(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as up:
        assert up.api.startswith("https://127.0.0.1:")
        assert await status(up.api, "ana", "correct horse", up.fingerprint) == 200
        assert await status(up.api, "ana", "wrong", up.fingerprint) == 401
        first = up.fingerprint
    async with running(settings(tmp_path)) as up:
        assert up.fingerprint == first
    for secret in ("state.db", "server.key"):
        assert (tmp_path / "state" / secret).stat().st_mode & 0o077 == 0
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"correct horse" not in written


async def test_a_password_in_the_file_is_to_be_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(settings(tmp_path)):
        assert "contains the password of ana in plain text" in caplog.text
    caplog.clear()
    without = [{"username": "ana", "path": str(tmp_path / "ana")}]
    async with running(settings(tmp_path, users=without)) as up:
        assert await status(up.api, "ana", "correct horse", up.fingerprint) == 200
        assert "password" not in caplog.text
        assert "correct horse" not in caplog.text


async def test_users_are_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    file = settings(tmp_path)
    async with running(file) as up:
        login = partial(status, up.api, fingerprint=up.fingerprint)
        file.write_text("{ nonsense")
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "the old settings stay" in caplog.text, asyncio.sleep)
        assert await login("ana", "correct horse") == 200
        ben = {"username": "ben", "password": "battery staple", "path": str(tmp_path / "ben")}
        settings(tmp_path, users=[ben])
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "were read again" in caplog.text, asyncio.sleep)
        assert await login("ana", "correct horse") == 401
        assert await login("ben", "battery staple") == 200


async def test_one_folder_that_is_away_does_not_harm_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    both = [
        {"username": name, "password": "correct horse", "path": str(tmp_path / name)}
        for name in ("ana", "ben")
    ]
    file = settings(tmp_path, users=both)
    async with running(file):
        pass
    (tmp_path / "ben").rename(tmp_path / "unmounted")
    async with running(file) as up:
        assert "nothing is deleted meanwhile" in caplog.text
        assert await status(up.api, "ana", "correct horse", up.fingerprint) == 200
    assert not (tmp_path / "ben").exists()


@pytest.mark.parametrize("field", ["listen", "initial_port"])
async def test_a_port_that_is_taken_is_named(tmp_path: Path, field: str) -> None:
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    changed: dict[str, Any] = (
        {"listen": f"127.0.0.1:{port}"} if field == "listen" else {field: port}
    )
    with pytest.raises(BaseExceptionGroup) as refused:
        async with running(settings(tmp_path, **changed)):
            pass
    [error] = refused.value.exceptions
    assert isinstance(error, ProblemError)
    assert str(port) in str(error)
    taken.close()
    await taken.wait_closed()


@pytest.mark.sqlite
async def test_checkpoints_nobody_goes_on_with_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    with SqliteDatabase.open(str(tmp_path / "state" / "state.db"), "server") as database:
        for name, age in (("old", 8), ("new", 6)):
            day = time.time() - age * 86_400
            Checkpoints(database, lambda day=day: day).put(Checkpoint(name, "x", 1, 1, 1, 1))  # type: ignore[misc]
    kept = {"old", "new"}
    async with running(settings(tmp_path)), asyncio.timeout(60):
        with contextlib.closing(sqlite3.connect(tmp_path / "state" / "state.db")) as state:
            while kept != {"new"}:
                kept = {name for (name,) in state.execute("SELECT transfer FROM checkpoint")}
                await asyncio.sleep(0.01)


async def test_one_folder_that_another_program_holds_does_not_harm_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    both = [
        {"username": name, "password": "correct horse", "path": str(tmp_path / name)}
        for name in ("ana", "ben")
    ]
    file = settings(tmp_path, users=both)
    (tmp_path / "ben").mkdir()
    other = Root.open(str(tmp_path / "ben"))
    held = lock_root(other, "another server", leave_name=False)
    async with running(file) as up:
        assert f"in use by process {os.getpid()}" in caplog.text
        assert await status(up.api, "ana", "correct horse", up.fingerprint) == 200
        assert await status(up.api, "ben", "correct horse", up.fingerprint) == 200
    held.release()
    other.close()


async def test_one_folder_that_cannot_be_made_does_not_harm_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    both = [
        {"username": name, "password": "correct horse", "path": str(tmp_path / path)}
        for name, path in (("ana", "ana"), ("ben", "not mounted/ben"))
    ]
    async with running(settings(tmp_path, users=both)) as up:
        assert "there is no folder" in caplog.text
        assert await status(up.api, "ana", "correct horse", up.fingerprint) == 200


@pytest.mark.sqlite
async def test_one_row_that_cannot_be_used_does_not_harm_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = settings(tmp_path)
    async with running(file):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "state.db")) as state, state:
        state.execute("INSERT INTO user (name, path) VALUES ('ben', x'00ff')")
        state.execute("INSERT INTO user (name, path) VALUES ('eve', 'relative')")
        state.execute("INSERT INTO user (name, path, upload_speed) VALUES ('fay', '/x', 'fast')")
        state.execute("INSERT INTO named_workspace VALUES ('music', x'00ff')")
    async with running(file) as up:
        for name in ("ben", "eve", "fay", "music"):
            assert f'"{name}" was made by command and is left out' in caplog.text
        assert await status(up.api, "ana", "correct horse", up.fingerprint) == 200
