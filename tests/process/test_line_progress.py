"""Connections that move slowly are waited for; those that do not move are given up, in time.

The clock is a test's own: it jumps to the next timer as soon as nothing is left to do.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cargo_sync.process.byte_stream import ByteStream
from cargo_sync.process.http_exchange import HttpExchanges, HttpPlace
from cargo_sync.process.http_sending import STALLED
from cargo_sync.process.line_progress import LOOK, line_mark, moved_bytes
from cargo_sync.s3.content import ContentPayload, S3Content
from cargo_sync.trees.ftp.channel import SILENT_SECONDS, FtpChannel
from cargo_sync.trees.ftp.line import FtpLine
from cargo_sync.trees.webdav.writing import StreamedBody, paced
from tests import virtual

MIB = 2**20
CONTENT = bytes(3 * MIB)
PAUSE = 50.0
"""Seconds between what a slow server takes: less than any patience."""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
TAKEN = 256 * 1024


def listening(path: str) -> socket.socket:
    """A server on a socket of this machine: what goes there needs no time."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    server.setblocking(False)
    return server


async def serve(server: socket.socket, most: int | None, answers: bytes) -> None:
    """Takes so many bytes, some every `PAUSE`, then nothing more; or all of it, and answers."""
    loop = asyncio.get_running_loop()
    opened, _ = await loop.sock_accept(server)
    with closing(opened):
        opened.setblocking(False)
        got = 0
        while most is None or got < most:
            await asyncio.sleep(PAUSE)
            some = TAKEN
            while some > 0:
                try:
                    piece = opened.recv(some)
                except BlockingIOError:
                    break
                if not piece:
                    break
                got, some = got + len(piece), some - len(piece)
            if got >= len(CONTENT):
                break
        if got >= len(CONTENT):
            TOLD.pop(opened.getsockname(), lambda: None)()
            await loop.sock_sendall(opened, answers)
        await asyncio.Event().wait()


async def no_pace(_: int) -> None:
    return None


async def by_ftp(path: str) -> object:
    """Sends a content over a data connection; the server says on the other one that it has it."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    opened = socket.socket(socket.AF_UNIX)
    opened.connect(path)
    opened.setblocking(False)
    _, stream = await loop.create_connection(lambda: ByteStream(loop.time), sock=opened)
    login: Any = type("Login", (), {"where": "the server"})()
    line: Any = FtpLine(login, None, reader, None)  # type: ignore[arg-type]
    channel = FtpChannel(line, "a", stream)
    TOLD[path] = lambda: reader.feed_data(b"226 it is there\r\n")
    try:
        for start in range(0, len(CONTENT), 256 * 1024):
            await channel.write(memoryview(CONTENT)[start : start + 256 * 1024])
        await channel.finish()
    finally:
        stream.abort()
    return None


TOLD: dict[str, Callable[[], None]] = {}
"""What is called when the server at a path has all of it."""


async def by_http(path: str, body: Callable[[], ContentPayload | StreamedBody]) -> object:
    """Sends a content as the body of a request, and waits for the answer."""
    sent = body()
    line, limits = aiohttp.UnixConnector(path), aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=line, timeout=limits) as session:
        request = session.put("http://localhost/a", data=sent)
        return (await sent.sending.answered(_plain(request), STALLED)).status


async def _plain(request: Awaitable[aiohttp.ClientResponse]) -> aiohttp.ClientResponse:
    return await request


async def by_short(path: str) -> object:
    """Sends a content as one message."""
    loop: Any = asyncio.get_running_loop()
    loop.create_connection = lambda made, *_, **__: loop.create_unix_connection(made, path)
    exchanges = HttpExchanges(HttpPlace("localhost", 80))
    head = f"PUT /a HTTP/1.1\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
    return (await exchanges.ask("PUT", head + CONTENT, 100, STALLED)).status


WAYS: dict[str, Callable[[str], Coroutine[Any, Any, object]]] = {
    "ftp": by_ftp,
    "s3": lambda path: by_http(path, lambda: ContentPayload(S3Content((CONTENT,)))),
    "webdav, pydio": lambda path: by_http(
        path, lambda: StreamedBody(len(CONTENT), paced(memoryview(CONTENT), no_pace))
    ),
    "s3, short": by_short,
}
PATIENCE = {"ftp": SILENT_SECONDS}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("most", [None, 0, 3 * TAKEN], ids=["slow", "nothing", "stops"])
def test_a_slow_server_is_waited_for_and_one_that_takes_nothing_is_given_up(
    way: str, most: int | None, tmp_path: Path
) -> None:
    path = str(tmp_path / "s")
    server = listening(path)

    async def story() -> tuple[object, float]:
        loop = asyncio.get_running_loop()
        serving = asyncio.create_task(serve(server, most, ANSWER if way != "ftp" else b""))
        began = loop.time()
        try:
            found: object = await WAYS[way](path)
        except Exception as error:
            found = error
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return found, loop.time() - began

    with closing(server):
        found, seconds = virtual.run(story())
    patience = PATIENCE.get(way, STALLED)
    if most is None:
        assert found in (None, 200), found
        assert seconds > 3 * patience, "longer than any patience"
    else:
        assert isinstance(found, Exception), found
        moved = PAUSE * (most // TAKEN + 1)
        assert patience <= seconds <= moved + patience + 3 * LOOK, seconds


def test_the_system_says_what_has_gone_and_come() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
        with closing(near), closing(far):
            before = moved_bytes(near)
            if before is None:
                pytest.skip("this system does not say it")
            near.sendall(b"12345")
            assert far.recv(5) and far.send(b"123456789")
            assert near.recv(9) == b"123456789"
            assert moved_bytes(near) == (before[0] + 5, before[1] + 9)


def test_what_nothing_is_known_of_has_a_mark_that_stays() -> None:
    assert line_mark(None) is None and moved_bytes(None) is None
    near, far = socket.socketpair()
    with closing(near), closing(far):
        assert moved_bytes(near) is None, "it is no TCP"
    assert moved_bytes(near) is None
