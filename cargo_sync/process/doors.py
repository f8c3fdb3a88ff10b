"""Doors: the TCP ports of a process, for which half-open connections are counted together.

A door accepts. Until the first bytes a connection costs a descriptor and an entry in a table: no
task, no thread and no TLS. Then its `Take` has it, for example as an asyncio protocol (`speaks`).
What is dropped, and when, is decided by `machines.half_open`. Where clients speak first, Linux
can keep silent ones to itself for a while (`defer`), and they cost the process nothing.
"""

import asyncio
import errno
import ipaddress
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from cargo_sync.machines.half_open import (
    FIRST_BYTES,
    HANDSHAKE,
    HalfOpen,
    HalfOpenLimits,
    network,
)
from cargo_sync.process.descriptors import door_line, limit, line, socket_below
from cargo_sync.process.tasks import contained

AT_ONCE: Final = 4
"""Connections that a door accepts in one turn of the event loop: those that it accepted before get
their turns in between, so that many honest ones at the same moment do not drop each other."""
BACKLOG: Final = 4_096
"""When the queue of the kernel overflows, honest clients try again only after a second."""
SHARE: Final = 8
"""Half-open connections use at most one in so many of the process's descriptors."""
GRAIN: Final = 0.25
"""Deadlines are looked at only so often, in seconds."""
DEFERRED: Final = 7
"""Seconds in which the kernel waits for a client's first bytes. It takes 1, 3, 7 or 15."""
PAUSE: Final = 1.0
"""Seconds without accepting when there is no descriptor and nothing to drop."""
_LIMITS: Final = HalfOpenLimits()
_ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
_TLS_HANDSHAKE: Final = b"\x16"
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_log = logging.getLogger(__name__)


class Arrival:
    """One accepted connection, and what its door knows about it.

    ip      address of the peer
    inside  whether its client has proved who it is
    """

    def __init__(self, doors: "Doors", ip: str, handshake: float, drop: Callable[[], None]) -> None:
        self.ip = ip
        self.inside = False
        self._doors = doors
        self._since = doors.loop.time()
        self._handshake = handshake
        self._over = False
        self._drop = drop
        doors.count(self, self._since + FIRST_BYTES)

    def spoke(self) -> None:
        """The first bytes have arrived."""
        self._doors.half_open.speak(self, self._since + self._handshake)

    def owned(self, drop: Callable[[], None]) -> None:
        """From now on `drop` ends the connection."""
        self._drop = drop

    def heard(self) -> None:
        """Its client has said what it had to say, and waits for us."""
        self._doors.half_open.remove(self)

    def waits(self) -> None:
        """We wait for its client again: for the next request, or for it to read the answer."""
        if not self.inside and not self._over:
            due = self._doors.loop.time() + self._handshake
            self._doors.half_open.remove(self)
            self._doors.count(self, due)
            self._doors.half_open.speak(self, due)

    def enter(self) -> None:
        """Its client has proved who it is: it is never counted again."""
        self.inside = True
        self.heard()

    def left(self) -> None:
        """The connection has ended."""
        self._over = True
        self.heard()

    def drop(self) -> None:
        """Ends the connection, which is not counted any more."""
        self._over = True
        self._drop()


Take = Callable[[socket.socket, Arrival], Awaitable[object]]
"""Takes over a non-blocking connection whose first bytes are there; runs in a task of its own. It
owns the socket, and sees that `Arrival.left` is called at the end."""


class Doors:
    """All doors of a process.

    Args:
        proxies: addresses and networks that others connect through; they are exempt from the limit
            per address.
        limits: how many connections may be half-open.

    spare  each drops a connection that its client can easily open again; False if there is none
    """

    def __init__(self, proxies: Sequence[str] = (), limits: HalfOpenLimits = _LIMITS) -> None:
        self.half_open: HalfOpen[Arrival] = HalfOpen(_affordable(limits))
        self.spare: list[Callable[[], bool]] = []
        self.dropped = 0
        self.loop = asyncio.get_running_loop()
        self._proxies = [ipaddress.ip_network(one) for one in proxies]
        self._timer: asyncio.TimerHandle | None = None

    async def open(
        self,
        host: str,
        port: int,
        take: Take,
        *,
        greeting: bytes = b"",
        handshake: float = HANDSHAKE,
        defers: bool = True,
        tune: Callable[[socket.socket], None] | None = None,
    ) -> "Door":
        """Listens at all addresses of `host`.

        Args:
            host: an address or a name.
            port: 0 for any.
            take: takes over each connection.
            greeting: sent at once.
            handshake: seconds from the connection to the end of its handshake.
            defers: the kernel may keep silent connections to itself. Then the first round trip time
                that it measures includes the time until the client speaks.
            tune: sets options of a socket that listens, which its connections inherit.

        Raises:
            OSError: an address cannot be listened at.
        """
        found = await self.loop.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        sockets: list[socket.socket] = []
        for family, _, _, _, address in dict.fromkeys(found):
            bound = (str(address[0]), sockets[0].getsockname()[1] if sockets else port)
            try:
                sockets.append(_listen(family, bound))
                if defers and not greeting:
                    defer(sockets[-1])
            except OSError as error:
                if error.errno in _ABSENT and (sockets or len(found) > 1):
                    continue  # "localhost" on a machine without IPv6
                for one in sockets:
                    one.close()
                raise OSError(error.errno, os.strerror(error.errno or 0).lower()) from error
        if tune is not None:
            for one in sockets:
                tune(one)
        return Door(self, sockets, take, greeting, handshake)

    def count(self, arrival: Arrival, due: float) -> None:
        """Counts a half-open connection, and drops another one if there are too many."""
        address = network(arrival.ip)
        dropped = self.half_open.arrive(arrival, address, due, exempt=self._is_proxy(arrival.ip))
        if dropped is not None:
            self._drop(dropped)
        if self._timer is None:
            self._timer = self.loop.call_later(GRAIN, self._look)

    def make_room(self) -> bool:
        """Drops a half-open or idle connection, for its descriptor; False if there is none."""
        dropped = self.half_open.sacrifice()
        if dropped is None:
            return any(drop() for drop in self.spare)
        self._drop(dropped)
        return True

    def _look(self) -> None:
        """Drops what is overdue, and looks again at the next deadline."""
        now = self.loop.time()
        for late in self.half_open.overdue(now):
            self._drop(late)
        due = self.half_open.next_due()
        self._timer = None
        if due is not None:
            self._timer = self.loop.call_at(max(due, now + GRAIN), self._look)

    def _drop(self, arrival: Arrival) -> None:
        self.dropped += 1
        _log.debug("a connection from %s was dropped: it has not logged in", arrival.ip)
        arrival.drop()

    def _is_proxy(self, ip: str) -> bool:
        if not self._proxies:
            return False
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in one for one in self._proxies)


class Door:
    """One port, until `close`."""

    def __init__(
        self,
        doors: Doors,
        sockets: Sequence[socket.socket],
        take: Take,
        greeting: bytes,
        handshake: float,
    ) -> None:
        self._doors = doors
        self._sockets = sockets
        self._take = take
        self._greeting = greeting
        self._handshake = handshake
        self._line = door_line(line(limit()))
        """From this number on descriptors are for who is inside: each may need one for a file."""
        self._silent: dict[Arrival, socket.socket] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.port: int = sockets[0].getsockname()[1]
        for one in sockets:
            self._watch(one)

    def close(self) -> None:
        """Accepts no more connections, and drops those that nobody has taken over yet."""
        for one in self._sockets:
            self._doors.loop.remove_reader(one)
            one.close()
        for arrival, sock in list(self._silent.items()):
            arrival.left()
            self._forget(sock, arrival)
        for task in self._tasks:
            task.cancel()

    def _watch(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:  # it was not closed meanwhile
            self._doors.loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                sock, address = listening.accept()
                if sock.fileno() < self._line or not self._doors.make_room():
                    socket_below(self._line, sock)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED and not self._doors.make_room():
                    _log.error("connections are not accepted for now: %s", error.strerror)
                    self._doors.loop.remove_reader(listening)
                    self._doors.loop.call_later(PAUSE, self._watch, listening)
                return
            self._arrived(sock, str(address[0]))

    def _arrived(self, sock: socket.socket, ip: str) -> None:
        sock.setblocking(False)
        if self._greeting:
            with suppress(OSError):  # the client is gone: seen below
                sock.send(self._greeting)

        def drop() -> None:
            self._forget(sock, arrival)

        def spoken() -> None:
            self._spoken(sock, arrival)

        arrival = Arrival(self._doors, ip, self._handshake, drop)
        self._silent[arrival] = sock
        self._doors.loop.add_reader(sock, spoken)
        spoken()

    def _forget(self, sock: socket.socket, arrival: Arrival) -> None:
        """Closes a connection that said nothing."""
        self._silent.pop(arrival, None)
        self._doors.loop.remove_reader(sock)
        sock.close()

    def _spoken(self, sock: socket.socket, arrival: Arrival) -> None:
        """The first bytes are there, or the client is gone."""
        if arrival not in self._silent:
            return
        try:
            said = sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            said = b""
        if not said:
            arrival.left()
            self._forget(sock, arrival)
            return
        del self._silent[arrival]
        self._doors.loop.remove_reader(sock)
        arrival.spoke()
        arrival.owned(partial(_shut, sock))
        task = self._doors.loop.create_task(
            contained(self._taken(sock, arrival), "a new connection")
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _taken(self, sock: socket.socket, arrival: Arrival) -> None:
        try:
            await self._take(sock, arrival)
        except OSError as error:
            _log.debug("a connection from %s failed: %s", arrival.ip, error)
            arrival.left()
            sock.close()
        except BaseException:
            arrival.left()
            sock.close()
            raise


Tls = Callable[[], ssl.SSLContext]
"""Returns the TLS context for a new connection: a certificate can be renewed meanwhile."""


Speaks = Callable[[Arrival], asyncio.Protocol]
"""Makes the protocol for a connection."""


def speaks(protocol: Speaks, context: Tls | None = None, unsealed: Speaks | None = None) -> Take:
    """Takes connections over as asyncio protocols.

    Args:
        protocol: of each connection.
        context: makes the TLS context; None for a port without it.
        unsealed: of a client that does not begin with TLS, although the port has it.
    """

    async def take(sock: socket.socket, arrival: Arrival) -> None:
        made, sealed = protocol, context
        if context is not None and unsealed is not None and not _begins_tls(sock):
            made, sealed = unsealed, None
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: made(arrival),
            sock,
            ssl=sealed() if sealed else None,
            ssl_handshake_timeout=HANDSHAKE if sealed else None,
        )

    return take


def _begins_tls(sock: socket.socket) -> bool:
    """Whether the first byte, which is there, is that of a TLS handshake (RFC 8446, 5.1)."""
    return sock.recv(1, socket.MSG_PEEK) in (_TLS_HANDSHAKE, b"")


def defer(listening: socket.socket) -> None:
    """Lets the kernel accept a connection only with its first bytes, if it can do that (Linux).

    One that stays silent is accepted after DEFERRED seconds, and so is a new one when the kernel
    has too many of them. Not for a port where clients wait for a greeting.
    """
    if hasattr(socket, "TCP_DEFER_ACCEPT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, DEFERRED)


def _listen(family: int, address: tuple[str, int]) -> socket.socket:
    listening = socket.create_server(address, family=family, backlog=BACKLOG)
    listening.setblocking(False)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)  # connections inherit it
    return listening


def _shut(sock: socket.socket) -> None:
    """Ends a connection whoever owns its socket: everybody sees the end of the stream."""
    with suppress(OSError):  # it is gone already
        sock.shutdown(socket.SHUT_RDWR)


def _affordable(limits: HalfOpenLimits) -> HalfOpenLimits:
    """The limits for the descriptors that this process has: most are for who is inside."""
    return HalfOpenLimits(limits.per_address, min(limits.total, max(1, limit() // SHARE)))
