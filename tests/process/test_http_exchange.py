"""Short HTTP messages over connections that are kept: what ends one, and what is refused."""

import asyncio
import datetime
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.api.own_certificate import make_certificate
from cargo_sync.process import http_exchange
from cargo_sync.process.body_room import BodyRoom
from cargo_sync.process.event_loop import new_loop
from cargo_sync.process.http_exchange import (
    LONGEST_ANSWER,
    HttpExchanges,
    HttpPlace,
    UnopenedError,
)
from cargo_sync.wire.http1 import HttpAnswerReader, UnreadableError

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


BODY = bytes(range(256)) * 1024
LONG = f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
OTHER = b"HTTP/1.1 200 OK\r\nx: y\r\nContent-Length: 2\r\n\r\nno"


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, new_loop])
@pytest.mark.parametrize(
    ("answer", "size", "full", "then"),
    [
        (LONG + BODY, len(BODY), [0, 1, 2], "kept"),
        (FOUND, 2, [0, 1], "kept"),  # shorter than what is read as a whole
        (LONG + BODY, len(BODY) - 1, [], "closed"),
        (OTHER, 2, [], "kept"),  # it is not accepted
        (LONG + BODY[:99], len(BODY), [0, 1], "cut"),
        (LONG + BODY + b"x", len(BODY), [0, 1, 2], "closed"),
    ],
)
def test_a_body_is_received_in_its_place(
    loop: Callable[[], asyncio.AbstractEventLoop],
    answer: bytes,
    size: int,
    full: list[int],
    then: str,
) -> None:
    memory, told = memoryview(bytearray(size)), list[int]()
    views = [view for view in (memory[:1], memory[1:9], memory[9:]) if view]
    expected = b"hi" if size == 2 else BODY

    def filled(index: int) -> None:
        assert views[index] == expected[: sum(map(len, views[: index + 1]))][-len(views[index]) :]
        told.append(index)

    async def receive() -> None:
        room = BodyRoom(views, lambda answer: "x" not in answer.headers, filled)
        ends = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(99)
            writer.write(answer)
            with suppress(OSError):  # it is ended in the middle of something
                if then != "cut":
                    await reader.read()
                writer.close()
                await writer.wait_closed()
            ends.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            place = HttpPlace("127.0.0.1", server.sockets[0].getsockname()[1])
            exchanges = HttpExchanges(place)
            with pytest.raises(OSError) if then == "cut" else nullcontext():
                found = await exchanges.ask("GET", ASKED, 20, 60.0, room=room)
                body = None if size == len(BODY) - 1 else b"no" if answer is OTHER else b""
                assert found.body == body
            assert (told, room.is_told) == (full, bool(full))
            if then == "closed":
                await ends.wait()
            assert any(one.is_free for one in exchanges._idle) == (then == "kept")
            await exchanges.aclose()
            await ends.wait()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(receive())


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, new_loop])
@pytest.mark.parametrize("sealed", [False, True])
def test_a_long_content_goes_as_it_lies_in_memory(
    loop: Callable[[], asyncio.AbstractEventLoop], sealed: bool, tmp_path: Path
) -> None:
    cert, key = str(tmp_path / "cert"), str(tmp_path / "key")
    make_certificate(cert, key, "a server", ["127.0.0.1"], datetime.datetime.now(datetime.UTC))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(cert, key)
    trust = ssl.create_default_context(cafile=cert)
    content, came = (BODY * 9, b"", memoryview(BODY)), hashlib.sha256()
    ends = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            for _ in range(10 * len(BODY) // 4096):
                came.update(await reader.readexactly(4096))
            writer.write(FOUND)
        await reader.read()
        writer.close()
        ends.set()

    async def send() -> None:
        context = served if sealed else None
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            exchanges = HttpExchanges(HttpPlace("127.0.0.1", port, trust if sealed else None))
            for _ in range(2):
                assert (await exchanges.ask("PUT", ASKED, 20, 60.0, content)).body == b"hi"
            assert len(exchanges._idle) == 1
            await exchanges.aclose()
            await ends.wait()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(send())
    assert came.digest() == hashlib.sha256(BODY * 20).digest()


class Clock:
    """A loop for one line, whose time is set; and a connection that takes everything."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due = list[tuple[float, Callable[[], None]]]()
        self.create_future = asyncio.get_running_loop().create_future

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[..., None], *args: Any) -> asyncio.Handle:
        self.due.append((self.now + seconds, lambda: call(*args)))
        return asyncio.get_running_loop().call_later(3600, lambda: None)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        for call in [call for at, call in self.due if at <= self.now]:
            call()
        self.due = [one for one in self.due if one[0] > self.now]

    def write(self, message: bytes) -> None:
        pass


@pytest.mark.parametrize("more", [b"HTTP/1.1 100 Continue\r\n\r\n", b"h"])
async def test_an_answer_that_comes_and_never_ends_is_given_up(more: bytes) -> None:
    line, clock = http_exchange._Line(), Clock()
    line._loop, line._transport = clock, clock  # type: ignore[assignment]
    asking = asyncio.create_task(line.ask(HttpAnswerReader("GET", 20), ASKED, 10.0))
    await asyncio.sleep(0)
    while not asking.done() and clock.now < 1000:
        line.get_buffer(-1)[: len(more)] = more
        line.buffer_updated(len(more))
        clock.pass_by(5.0)
        await asyncio.sleep(0)
    assert isinstance(asking.exception(), TimeoutError)
    assert clock.now == 10.0 * LONGEST_ANSWER


async def test_an_early_answer_leaves_no_rest_of_a_message_before_the_next_one() -> None:
    served = list[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(FOUND)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        exchanges = HttpExchanges(HttpPlace("127.0.0.1", server.sockets[0].getsockname()[1]))
        large = bytes(16 * 2**20)  # more than the system takes
        for content in ((), (large,)):
            message = ASKED if content else ASKED + large
            assert (await exchanges.ask("PUT", message, 20, 60.0, content)).body == b"hi"
            assert exchanges._idle == []
        for writer in served:
            writer.transport.abort()


async def test_what_is_under_way_at_the_end_leaves_no_connection() -> None:
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await exchanges.aclose()
        writer.write(FOUND)
        with suppress(OSError):
            await reader.read()
        gone.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        exchanges = HttpExchanges(HttpPlace("127.0.0.1", server.sockets[0].getsockname()[1]))
        assert await ask(exchanges) == b"hi"
        async with asyncio.timeout(10):
            await gone.wait()


async def test_a_connection_that_the_server_ends_is_not_used_again() -> None:
    async with serving([FOUND, FOUND]) as (answering, place):
        exchanges = place()
        await ask(exchanges)
        exchanges._idle[0].eof_received()
        exchanges._idle[0]._transport.close()  # type: ignore[union-attr]  # as asyncio does then
        assert await ask(exchanges) == b"hi"  # it is told of its end later
        assert answering.lines == 2
        await exchanges.aclose()
