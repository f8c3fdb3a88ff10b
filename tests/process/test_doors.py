"""Doors with real sockets on loopback; deadlines and limits are lowered."""

import asyncio
import errno
import select
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cargo_sync.machines.half_open import HalfOpenLimits
from cargo_sync.process import doors as process_doors
from cargo_sync.process.doors import Arrival, Door, Doors, speaks
from tests.server.surroundings import until


@pytest.fixture(autouse=True)
def _accepted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel accepts silent connections too, as it does when it has too many of them."""
    monkeypatch.setattr(process_doors, "DEFERRED", 0)


class Taken:
    """Keeps what a door hands over."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.sockets: list[socket.socket] = []

    async def __call__(self, sock: socket.socket, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        self.sockets.append(sock)


class Clients:
    """Connections to a door."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: list[socket.socket] = []

    def connect(self, said: bytes = b"") -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self._port), 60)
        sock.sendall(said)
        sock.setblocking(False)
        self._open.append(sock)
        return sock

    def close(self) -> None:
        for sock in self._open:
            sock.close()


def is_closed(sock: socket.socket) -> bool:
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@asynccontextmanager
async def standing(
    doors: Doors, take: process_doors.Take, greeting: bytes = b""
) -> AsyncIterator[tuple[Door, Clients]]:
    door = await doors.open("127.0.0.1", 0, take, greeting=greeting)
    clients = Clients(door.port)
    try:
        yield door, clients
    finally:
        clients.close()
        door.close()


class Said(asyncio.Protocol):
    """Says one word to each connection."""

    def __init__(self, word: bytes) -> None:
        self._word = word

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._word)


async def test_who_does_not_begin_with_tls_gets_another_protocol() -> None:
    def plain(_: Arrival) -> asyncio.Protocol:
        return Said(b"use TLS")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    doors = Doors()
    take = speaks(lambda _: Said(b"never"), lambda: context, plain)
    async with standing(doors, take) as (_, clients):
        http, begins = clients.connect(b"GET / HTTP/1.1\r\n\r\n"), clients.connect(b"\x16\x03")
        await until(lambda: readable(http), asyncio.sleep)
        assert http.recv(99) == b"use TLS"
        assert not readable(begins), "it waits for the rest of the handshake"


def readable(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], 0)[0])


async def test_nothing_is_handed_over_before_the_first_bytes() -> None:
    doors, taken = Doors(), Taken()
    async with standing(doors, taken, b"255") as (_, clients):
        threads = threading.active_count()
        silent, quick = clients.connect(), clients.connect(b"hello")
        await until(lambda: len(taken.sockets) == 1 and len(doors.half_open) == 2, asyncio.sleep)
        assert taken.sockets[0].recv(9) == b"hello"
        assert quick.recv(9) == silent.recv(9) == b"255"
        taken.arrivals[0].enter()
        assert len(doors.half_open) == 1
        taken.arrivals[0].waits()  # who is inside is never counted again
        assert len(doors.half_open) == 1
        silent.close()
        await until(lambda: len(doors.half_open) == 0, asyncio.sleep)
        assert len(taken.sockets) == 1 and threading.active_count() == threads
        taken.sockets[0].close()


@pytest.mark.skipif(not hasattr(socket, "TCP_DEFER_ACCEPT"), reason="only on Linux")
async def test_where_clients_speak_first_the_kernel_keeps_the_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_doors, "DEFERRED", 100)
    doors, taken = Doors(), Taken()
    async with standing(doors, taken) as (_, clients):
        silent, quick = clients.connect(), clients.connect(b"hello")
        await until(lambda: len(taken.sockets) == 1, asyncio.sleep)
        assert taken.sockets[0].recv(9) == b"hello" and len(doors.half_open) == 1
        silent.sendall(b"me too")
        await until(lambda: len(taken.sockets) == 2, asyncio.sleep)
        assert taken.sockets[1].recv(9) == b"me too"
        quick.close()
        for sock in taken.sockets:
            sock.close()


async def test_the_silent_and_the_slow_are_dropped_at_their_deadlines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_doors, "FIRST_BYTES", 0.0)
    monkeypatch.setattr(process_doors, "GRAIN", 0.01)
    doors, taken = Doors(), Taken()
    async with standing(doors, taken) as (_, clients):
        silent = clients.connect()
        await until(lambda: is_closed(silent), asyncio.sleep)
        assert doors.dropped == 1
    door = await doors.open("127.0.0.1", 0, taken, handshake=0.05)
    slow = Clients(door.port).connect(b"h")
    await until(lambda: is_closed(slow), asyncio.sleep)
    assert doors.dropped == 2 and len(doors.half_open) == 0
    door.close()
    slow.close()
    taken.sockets[0].close()


async def test_a_flood_from_ones_own_address_drops_itself() -> None:
    doors, taken = Doors(limits=HalfOpenLimits(per_address=3, total=9)), Taken()
    async with standing(doors, taken) as (_, clients):
        honest = clients.connect(b"h")
        await until(lambda: len(taken.sockets) == 1, asyncio.sleep)
        flood = [clients.connect() for _ in range(10)]
        await until(lambda: sum(map(is_closed, flood)) == 8, asyncio.sleep)
        assert not is_closed(honest) and not any(map(is_closed, flood[-2:]))
        assert (doors.dropped, len(doors.half_open)) == (8, 3)
        taken.sockets[0].close()


async def test_a_proxy_may_hold_more_and_the_other_doors_count_as_well() -> None:
    limits = HalfOpenLimits(per_address=3, total=5)
    doors, taken = Doors(["127.0.0.0/8"], limits), Taken()
    async with standing(doors, taken) as (_, one), standing(doors, taken) as (_, other):
        first = [one.connect() for _ in range(5)]
        await until(lambda: len(doors.half_open) == 5, asyncio.sleep)
        assert not any(map(is_closed, first))
        other.connect()
        await until(lambda: is_closed(first[0]), asyncio.sleep)
        assert not any(map(is_closed, first[1:]))


class Reluctant(socket.socket):
    """A listening socket of a process that sometimes has no descriptor left."""

    exhausted = False
    tries = 0

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        self.tries += 1
        if self.exhausted:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_without_descriptors_the_half_open_make_room(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process_doors, "PAUSE", 0.01)
    listening = Reluctant()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.setblocking(False)
    monkeypatch.setattr(process_doors, "_listen", lambda *_: listening)
    doors, taken = Doors(), Taken()
    async with standing(doors, taken) as (_, clients):
        silent = clients.connect()
        await until(lambda: len(doors.half_open) == 1, asyncio.sleep)
        listening.exhausted, listening.tries = True, 0
        clients.connect(b"h")
        await until(lambda: is_closed(silent), asyncio.sleep)
        # Nothing is left to be dropped: the door rests for a moment, again and again.
        await until(lambda: listening.tries >= 4, asyncio.sleep)
        assert "connections are not accepted for now: Too many open files" in caplog.text
        listening.exhausted = False
        await until(lambda: len(taken.sockets) == 1, asyncio.sleep)
        taken.sockets[0].close()


async def test_a_protocol_that_is_dropped_sees_the_end() -> None:
    doors = Doors(limits=HalfOpenLimits(per_address=1, total=9))
    lost = asyncio.Event()

    class Speaking(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            lost.set()

    async with standing(doors, speaks(lambda arrival: Speaking())) as (_, clients):
        clients.connect(b"h")
        await until(lambda: len(doors.half_open) == 1, asyncio.sleep)
        clients.connect(b"h")
        await asyncio.wait_for(lost.wait(), 60)


async def test_a_door_that_closes_lets_go_of_the_silent() -> None:
    doors, taken = Doors(), Taken()
    door = await doors.open("127.0.0.1", 0, taken)
    silent = Clients(door.port).connect()
    await until(lambda: len(doors.half_open) == 1, asyncio.sleep)
    door.close()
    assert len(doors.half_open) == 0
    await until(lambda: is_closed(silent), asyncio.sleep)
    silent.close()


async def test_what_listens_is_tuned_for_its_connections() -> None:
    tuned: list[tuple[str, int]] = []
    door = await Doors().open(
        "127.0.0.1", 0, Taken(), tune=lambda sock: tuned.append(sock.getsockname())
    )
    assert tuned == [("127.0.0.1", door.port)]
    door.close()


async def test_an_address_in_use_is_an_error() -> None:
    doors = Doors()
    async with standing(doors, Taken()) as (door, _):
        with pytest.raises(OSError, match="address already in use"):
            await doors.open("127.0.0.1", door.port, Taken())


async def test_few_descriptors_mean_few_half_open_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_doors, "limit", lambda: 80)
    monkeypatch.setattr(process_doors, "door_line", lambda _: 10_000)
    doors, taken = Doors(), Taken()
    async with standing(doors, taken) as (_, clients):
        flood = [clients.connect() for _ in range(13)]
        await until(lambda: sum(map(is_closed, flood)) == 3, asyncio.sleep)
        assert len(doors.half_open) == 10


async def test_a_connection_leaves_descriptors_for_who_is_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_doors, "PAUSE", 0.01)
    doors, taken = Doors(), Taken()
    async with standing(doors, taken) as (door, clients):
        enough, door._line = door._line, 0
        refused = clients.connect(b"x")
        await until(lambda: is_closed(refused), asyncio.sleep)
        door._line = enough
        clients.connect(b"x")
        await until(lambda: len(taken.sockets) == 1, asyncio.sleep)


async def test_a_client_takes_the_place_of_what_can_be_spared() -> None:
    doors, taken = Doors(), Taken()
    async with standing(doors, taken) as (door, clients):
        silent = clients.connect()
        await until(lambda: len(doors.half_open) == 1, asyncio.sleep)
        door._line = 0  # no descriptor is left for newcomers
        clients.connect(b"x")
        await until(lambda: len(taken.sockets) == 1 and is_closed(silent), asyncio.sleep)
        taken.arrivals[0].enter()
        idle = [taken.sockets[0]]

        def drop() -> bool:
            if idle:
                idle.pop().close()
                return True
            return False

        doors.spare.append(drop)
        clients.connect(b"x")
        await until(lambda: len(taken.sockets) == 2, asyncio.sleep)
        assert idle == []
        taken.sockets[1].close()
