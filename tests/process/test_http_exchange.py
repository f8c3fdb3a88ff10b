"""Short HTTP messages over connections that are kept: what ends one, and what is refused."""

import asyncio
import datetime
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cargo_sync.api.own_certificate import make_certificate
from cargo_sync.process import http_exchange
from cargo_sync.process.http_exchange import HttpExchanges, HttpPlace, UnopenedError
from cargo_sync.wire.http1 import UnreadableError

ASKED = b"GET / HTTP/1.1\r\n\r\n"
FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CLOSES = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh"


class Answering:
    """A server that answers each request in turn: with bytes, or not at all."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = list(answers)
        self.lines = 0
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        while self._answers and await reader.read(65536):
            self.asked.set()
            if (answer := self._answers.pop(0)) == b"":
                await reader.read()  # until the client goes
                break
            writer.write(answer)
            if answer in (CUT, CLOSES):
                break
        writer.close()


@asynccontextmanager
async def serving(
    answers: Sequence[bytes], context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Answering, Callable[..., HttpExchanges]]]:
    answering = Answering(answers)
    server = await asyncio.start_server(answering.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield answering, lambda *trust: HttpExchanges(HttpPlace("127.0.0.1", port, *trust), 1)


async def ask(exchanges: HttpExchanges, patience: float = 60.0) -> bytes | None:
    return (await exchanges.ask("GET", ASKED, 20, patience)).body


@pytest.mark.parametrize(
    ("answers", "kept", "lines"),
    [
        ([FOUND, FOUND, FOUND], 4.0, 1),
        ([CLOSES, CLOSES, FOUND], 4.0, 3),
        ([FOUND, FOUND, FOUND], 0.0, 3),  # the server may have closed it
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", FOUND, FOUND], 4.0, 2),
    ],
)
async def test_a_connection_is_used_again_if_it_may_be(
    answers: list[bytes], kept: float, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_exchange, "KEPT", kept)
    async with serving(answers) as (answering, place):
        exchanges = place()
        assert [await ask(exchanges) for _ in range(3)][1:] == [b"hi", b"hi"]
        assert answering.lines == lines
        await exchanges.aclose()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (CUT, ConnectionResetError),
        (b"SSH-2.0-x\r\n\r\n", UnreadableError),
        (FOUND + FOUND, UnreadableError),
        (b"", TimeoutError),
    ],
)
async def test_after_a_failure_there_is_another_connection(
    answer: bytes, error: type[Exception]
) -> None:
    async with serving([answer, FOUND]) as (answering, place):
        exchanges = place()
        with pytest.raises(error):
            await ask(exchanges, 0.01 if error is TimeoutError else 60.0)
        assert await ask(exchanges) == b"hi"
        assert answering.lines == 2
        await exchanges.aclose()


async def test_a_request_that_is_cancelled_leaves_no_answer_for_the_next_one() -> None:
    async with serving([b"", FOUND]) as (answering, place):
        exchanges = place()
        asking = asyncio.create_task(ask(exchanges))
        await answering.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await ask(exchanges) == b"hi"
        await exchanges.aclose()


async def test_nothing_is_sent_to_a_server_that_is_not_trusted(tmp_path: Path) -> None:
    cert, key = str(tmp_path / "cert"), str(tmp_path / "key")
    now = datetime.datetime.now(datetime.UTC)
    make_certificate(cert, key, "a server", ["127.0.0.1"], now)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(cert, key)
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    own = hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(cert).read_text())).digest()
    async with serving([FOUND, FOUND], served) as (answering, place):
        for trust in ((ssl.create_default_context(),), (blind, b"?" * 32)):
            with pytest.raises(UnopenedError):
                await ask(place(*trust))
        assert not answering.asked.is_set()
        for right in ((ssl.create_default_context(cafile=cert),), (blind, own)):
            exchanges = place(*right)
            assert await ask(exchanges) == b"hi"
            await exchanges.aclose()


async def test_a_server_that_cannot_be_reached_was_asked_nothing() -> None:
    with pytest.raises(UnopenedError):
        await ask(HttpExchanges(HttpPlace("127.0.0.1", 1)))
