"""An event loop is told of a long body when much of it has come, and nothing waits for ever."""

import asyncio
import select
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Final, cast

import pytest

from cargo_sync.process import body_arrivals, http_exchange
from cargo_sync.process.body_arrivals import SLOW, TOGETHER, BodyArrivals
from cargo_sync.process.body_room import BodyRoom
from cargo_sync.process.event_loop import new_loop
from cargo_sync.process.http_exchange import HttpExchanges, HttpPlace

PATIENCE: Final = 60_000
"""Milliseconds."""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the loop is told of each packet")


class Line:
    """Two connected sockets, of which one receives."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.far = socket.create_connection(server.getsockname())
            self.near, _ = server.accept()
        self.is_closed = False
        self.arrivals = BodyArrivals(cast(asyncio.BaseTransport, self))
        self._poll = select.poll()
        self._poll.register(self.near, select.POLLIN)

    def get_extra_info(self, name: str) -> socket.socket | None:
        return self.near if name == "socket" else None

    def is_closing(self) -> bool:
        return self.is_closed

    def tells(self, milliseconds: int = PATIENCE) -> bool:
        """Whether a loop would be told of it."""
        return bool(self._poll.poll(milliseconds))

    def take(self, count: int) -> None:
        while count:
            count -= len(self.near.recv(count))


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    with made.near, made.far:
        yield made


@on_linux
def test_a_loop_is_told_when_much_has_come(line: Line) -> None:
    line.arrivals.expect(4 * TOGETHER)
    line.far.sendall(bytes(TOGETHER - 1))
    assert not line.tells(20)
    line.far.sendall(b"x")
    assert line.tells()


def test_it_is_told_of_the_last_bytes_one_by_one(line: Line) -> None:
    line.arrivals.expect(4 * TOGETHER)
    line.far.sendall(bytes(2 * TOGETHER))
    line.take(2 * TOGETHER)
    line.arrivals.expect(2 * TOGETHER)
    line.far.sendall(b"x")
    assert line.tells()


def test_it_is_told_of_a_slow_line_and_of_the_end(line: Line) -> None:
    line.arrivals.expect(4 * TOGETHER)
    line.far.sendall(b"x")
    line.arrivals.waited(SLOW)
    assert line.tells()
    line.take(1)
    line.arrivals.expect(4 * TOGETHER)
    line.far.close()
    assert line.tells()


def test_a_connection_that_is_closed_is_left_alone(line: Line) -> None:
    line.is_closed = True
    line.arrivals.expect(4 * TOGETHER)
    assert line.near.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == 1


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, new_loop])
def test_what_waits_in_the_kernel_is_received_while_nothing_follows(
    loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_exchange, "LOOK", 0.01)
    monkeypatch.setattr(body_arrivals, "SLOW", 0.0)
    first, second = TOGETHER // 4, 4 * TOGETHER
    body = bytes(range(256)) * ((first + second) // 256)
    memory, told, came = memoryview(bytearray(len(body))), list[int](), asyncio.Event()
    ends = asyncio.Event()

    def filled(index: int) -> None:
        told.append(index)
        came.set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        writer.write(body[:first])
        await came.wait()
        writer.write(body[first:])
        await reader.read()
        writer.close()
        ends.set()

    async def receive() -> None:
        room = BodyRoom([memory[:first], memory[first:]], lambda answer: True, filled)
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            exchanges = HttpExchanges(HttpPlace("127.0.0.1", server.sockets[0].getsockname()[1]))
            await exchanges.ask("GET", b"GET / HTTP/1.1\r\n\r\n", 20, 60.0, room=room)
            await exchanges.aclose()
            await ends.wait()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(receive())
    assert told == [0, 1] and memory == body
