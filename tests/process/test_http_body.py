"""The body of an answer: a large one is received past aiohttp."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from cargo_sync.api.own_certificate import make_certificate
from cargo_sync.process.byte_stream import MOST
from cargo_sync.process.http_body import LARGE, HttpBody

BODY = os.urandom(LARGE + 2 * MOST + 7)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server has, and what its client trusts."""
    folder: Path = tmp_path_factory.mktemp("certificate")
    names = str(folder / "cert.pem"), str(folder / "key.pem")
    make_certificate(*names, "a test", ["127.0.0.1"], datetime.now(UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(*names)
    return server, ssl.create_default_context(cafile=names[0])


@asynccontextmanager
async def answers(
    head: str, body: bytes, server: ssl.SSLContext | None = None, *, then: str = ""
) -> AsyncIterator[str]:
    """Answers each request so. `then` is "close" or "wait": what follows a body that is cut."""
    served = set[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)
                await writer.drain()
                if then == "close":
                    break
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", ssl=server) as listening:
        scheme = "https" if server else "http"
        yield f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        for writer in served:
            writer.transport.abort()


async def body_in_memory(response: aiohttp.ClientResponse) -> memoryview:
    """The body in memory of ours: what was received there must be at its place already."""
    body, memory, done = HttpBody(response), memoryview(bytearray(len(BODY))), 0
    body.into = [memory[:1000], memory[1000 : 3 << 20], memory[3 << 20 :]]
    while piece := await body.read():
        if isinstance(piece, memoryview):
            assert piece.obj is memory.obj
            assert piece == memory[done : done + len(piece)]
        else:
            memory[done : done + len(piece)] = piece
        done += len(piece)
    return memory


async def body_of(response: aiohttp.ClientResponse) -> list[bytes | memoryview]:
    body, pieces = HttpBody(response), list[bytes | memoryview]()
    while piece := await body.read():
        pieces.append(piece)
    return pieces


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_large_body_comes_whole_and_in_large_pieces(
    loop: str, sealed: bool, trust: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    async def fetch() -> None:
        head = f"Content-Length: {len(BODY)}"
        async with answers(head, BODY, trust[0] if sealed else None) as url:
            connector = aiohttp.TCPConnector(ssl=trust[1])
            async with aiohttp.ClientSession(connector=connector) as session:
                for _ in range(2):
                    async with session.get(url) as response:
                        pieces = await body_of(response)
                        assert b"".join(pieces) == BODY
                        assert max(map(len, pieces)) > MOST / 2
                    async with session.get(url) as response:
                        assert await body_in_memory(response) == BODY

    factory: Callable[[], asyncio.AbstractEventLoop] = pytest.importorskip(loop).new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(fetch())


@pytest.mark.parametrize(
    ("head", "body", "whole"),
    [
        ("Content-Length: 5", b"small", b"small"),
        ("Content-Length: 0", b"", b""),
        (
            "Transfer-Encoding: chunked",
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
            BODY,
        ),
    ],
    ids=["small", "empty", "chunked"],
)
async def test_others_come_as_always_over_one_connection(
    head: str, body: bytes, whole: bytes
) -> None:
    async with answers(head, body) as url, aiohttp.ClientSession() as session:
        seen = set()
        for _ in range(2):
            async with session.get(url) as response:
                if response.connection is not None and response.connection.transport is not None:
                    seen.add(response.connection.transport.get_extra_info("sockname"))
                assert b"".join(await body_of(response)) == whole
        assert len(seen) <= 1


@pytest.mark.parametrize("then", ["close", "wait"])
async def test_a_large_body_that_is_cut_is_an_error(then: str) -> None:
    head = f"Content-Length: {len(BODY) + 1}"
    timeout = aiohttp.ClientTimeout(sock_read=0.2 if then == "wait" else None)
    async with (
        answers(head, BODY, then=then) as url,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        response = await session.get(url)
        body, came = HttpBody(response), 0
        with pytest.raises(OSError) as caught:
            while piece := await body.read():
                came += len(piece)
        assert came == len(BODY) or then == "wait"
        assert isinstance(caught.value, TimeoutError) == (then == "wait")
        response.close()
