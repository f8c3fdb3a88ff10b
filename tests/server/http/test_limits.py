"""Deadlines: a client that dawdles is let go, whatever it has sent so far."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from cargo_sync.process.http import limits, listener
from tests.server.house import House, living
from tests.server.surroundings import until


async def dawdle(house: House, sent: bytes) -> bytes:
    """What a client is answered that sends this much and then nothing, until it is let go."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()


def hurry(monkeypatch: pytest.MonkeyPatch, *deadlines: str) -> None:
    """These deadlines pass in no time. No other does: what is meant to be quick may be slow."""
    for each in deadlines:
        monkeypatch.setattr(limits, each, 0.05)


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the rest of a body that nobody will send."""
    options(monkeypatch)


def options(monkeypatch: pytest.MonkeyPatch, **changed: float) -> None:
    """The listener has these options."""
    monkeypatch.setattr(
        listener, "SERVER_OPTIONS", {**limits.SERVER_OPTIONS, "lingering_time": 0.05, **changed}
    )


async def test_a_head_that_does_not_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options(monkeypatch, keepalive_timeout=0.05)
    async with living(tmp_path) as house:
        assert await dawdle(house, b"GET /v1/workspaces HTTP/1.1\r\nHost: x\r\nX-Slow: ") == b""


async def test_a_body_that_does_not_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, "BODY_SECONDS")
    async with living(tmp_path) as house:
        head = b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
        assert (await dawdle(house, head)).startswith(b"HTTP/1.1 408 ")


async def test_an_upload_that_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with living(tmp_path) as house:
        token = await house.token("ana")
        hurry(monkeypatch, "IDLE_SECONDS")
        head = f"PUT /v1/files/default/new HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        answer = await dawdle(house, head.encode() + b"Content-Length: 100\r\n\r\nhalf")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert sorted(path.name for path in house.folders["ana"].iterdir()) == [".cargo_sync"]
        assert list((house.folders["ana"] / ".cargo_sync" / "staging").iterdir()) == []


async def test_more_connections_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS", 1)
    async with living(tmp_path) as house:
        token = await house.token("ana")
        _, first = await asyncio.open_connection("127.0.0.1", house.port)
        head = f"Host: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        first.write(f"GET /v1/workspaces/default/changes?wait=55 HTTP/1.1\r\n{head}".encode())
        await until(lambda: len(house.polls) == 1, asyncio.sleep)
        with contextlib.suppress(ConnectionResetError):
            assert await dawdle(house, b"GET /") == b""
        first.close()


async def test_an_idle_connection_makes_room_for_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS", 2)
    async with living(tmp_path) as house:
        head = f"Host: x\r\nAuthorization: Bearer {await house.token('ana')}\r\n\r\n".encode()
        idle, writer = await asyncio.open_connection("127.0.0.1", house.port)
        waiting, poll = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(b"GET /v1/workspaces HTTP/1.1\r\n" + head)
        await idle.readuntil(b"}]}")
        poll.write(b"GET /v1/workspaces/default/changes?wait=55 HTTP/1.1\r\n" + head)
        await until(lambda: len(house.polls) == 1, asyncio.sleep)
        new = await dawdle(house, b"GET /v1/workspaces HTTP/1.0\r\n" + head)
        assert new.startswith((b"HTTP/1.0 200 ", b"HTTP/1.1 200 "))
        with contextlib.suppress(ConnectionResetError):
            assert await idle.read() == b""
        assert len(house.polls) == 1
        house.polls.close()
        assert (await waiting.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        poll.close()
