"""Counts the connections to the sockets of a port, also those that the gate has not accepted.

libzmq accepts connections itself, and ends those without a handshake only after some seconds. Its
reports name their descriptors. So too many silent ones are dropped here, as at the other ports
(`machines.half_open`): a connection is shut down, and libzmq sees its end. How much a client has
sent is known only on Linux; elsewhere each connection counts as if its handshake was done.
"""

import asyncio
import errno
import os
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from struct import unpack, unpack_from
from typing import Final

import zmq
import zmq.asyncio

from cargo_sync.machines.half_open import HalfOpen, HalfOpenLimits, network

MOST: Final = 1_000
HANDSHAKE_MS: Final = 5_000
"""libzmq ends a connection whose handshake takes longer."""
PLAIN_BYTES: Final = 64
KEYED_BYTES: Final = 500
"""What a client has sent when the gate is asked about it: the greeting (RFC 23); with CURVE also
HELLO and INITIATE (RFC 26), 525 bytes and more."""
_BYTES_RECEIVED: Final = 128
"""Offset of `tcpi_bytes_received`, a u64, in Linux's `struct tcp_info`."""
_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
_LIMITS: Final = HalfOpenLimits()

_Monitor = zmq.Socket[bytes]


@dataclass(slots=True)
class _Watched:
    """The connections of one socket, by their descriptors.

    handshake  bytes that a client sends until the gate is asked about it
    open       each with the address of its client; None if it had left already
    """

    handshake: int
    open: dict[int, object] = field(default_factory=dict)


class Connections:
    """Counts the connections of several sockets.

    most    if there are more beyond the gate, it refuses new ones; existing ones stay
    limits  for connections without a handshake
    """

    def __init__(self, most: int = MOST, limits: HalfOpenLimits = _LIMITS) -> None:
        self._most = most
        self._watched: dict[_Monitor, _Watched] = {}
        self._half_open: HalfOpen[tuple[_Monitor, int]] = HalfOpen(limits)
        self._asked = 0
        """How many have come to the gate since it was last looked which of these are silent."""
        self._uncounted: dict[zmq.asyncio.Socket, tuple[zmq.asyncio.Socket, _Monitor]] = {}
        """The reports of sockets that are watched, and not counted yet."""

    def has_room(self) -> bool:
        """Whether one more connection may come in.

        libzmq reports a connection before it asks the gate about it. The reports that still wait
        are read here, so that the answer never depends on which socket the event loop read first.
        """
        for monitor in self._watched:
            self._read(monitor)
        self._asked += 1
        if len(self) - len(self._half_open) + self._asked > self._most:
            self._settle()
        return len(self) - len(self._half_open) <= self._most

    def _settle(self) -> None:
        """Counts those as half-open no more that have sent their handshake."""
        self._asked = 0
        for monitor, fd in list(self._half_open):
            if not self._is_silent(monitor, fd):
                self._half_open.remove((monitor, fd))

    def __len__(self) -> int:
        return sum(len(watched.open) for watched in self._watched.values())

    def watch(self, socket: zmq.asyncio.Socket, handshake: int) -> None:
        """Has the connections of a socket reported. libzmq accepts them as soon as it is bound.

        Args:
            socket: not bound yet.
            handshake: PLAIN_BYTES or KEYED_BYTES.
        """
        reports = socket.get_monitor_socket(_EVENTS)
        monitor: _Monitor = zmq.Socket.shadow(reports)
        self._watched[monitor] = _Watched(handshake)
        self._uncounted[socket] = reports, monitor

    def leave(self, socket: zmq.asyncio.Socket) -> None:
        """A socket that was watched is closed; it may never have been counted."""
        if socket in self._uncounted:
            reports, monitor = self._uncounted.pop(socket)
            self._end(socket, reports, monitor)

    async def count(self, socket: zmq.asyncio.Socket, handshake: int) -> None:
        """Counts the connections of a socket until cancelled; then it forgets them.

        Args:
            socket: bound to TCP; it was watched, unless this is called again.
            handshake: PLAIN_BYTES or KEYED_BYTES.
        """
        if socket not in self._uncounted:
            self.watch(socket, handshake)
        reports, monitor = self._uncounted.pop(socket)
        try:
            while True:
                await reports.poll()
                self._read(monitor)
        finally:
            self._end(socket, reports, monitor)

    def _end(
        self, socket: zmq.asyncio.Socket, reports: zmq.asyncio.Socket, monitor: _Monitor
    ) -> None:
        for fd in self._watched.pop(monitor).open:
            self._half_open.remove((monitor, fd))
        socket.disable_monitor()
        reports.close(linger=0)

    def _read(self, monitor: _Monitor) -> None:
        """Reads the reports that wait."""
        watched = self._watched[monitor]
        with suppress(zmq.Again):
            while True:
                # zmq_socket_monitor(3): an event in 16 bits and its value in 32, native byte order.
                event, fd = unpack("=HI", monitor.recv_multipart(zmq.NOBLOCK)[0])
                self._half_open.remove((monitor, fd))
                if event == zmq.EVENT_ACCEPTED:
                    watched.open[fd] = None
                    self._accepted(monitor, fd)
                else:
                    watched.open.pop(fd, None)

    def _accepted(self, monitor: _Monitor, fd: int) -> None:
        """Counts a new connection, and drops another one if there are too many silent ones."""
        now = asyncio.get_running_loop().time()
        self._half_open.overdue(now)  # libzmq has ended them, or their handshake is done
        with suppress(OSError), _borrowed(fd) as connection:
            client = connection.getpeername()
            self._watched[monitor].open[fd] = client
            address = network(str(client[0]))
            due = now + HANDSHAKE_MS / 1_000
            dropped = self._half_open.arrive((monitor, fd), address, due)
            if dropped is not None and self._is_silent(*dropped):
                with self._same(*dropped) as silent:
                    silent.shutdown(sockets.SHUT_RDWR)

    def _is_silent(self, monitor: _Monitor, fd: int) -> bool:
        """Whether a client has not sent its handshake yet."""
        if not hasattr(sockets, "TCP_INFO"):
            return False
        try:
            with self._same(monitor, fd) as connection:
                info = connection.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, 256)
        except OSError:  # it has ended already
            return False
        if len(info) < _BYTES_RECEIVED + 8:  # an old kernel
            return False
        received: int = unpack_from("=Q", info, _BYTES_RECEIVED)[0]
        return received < self._watched[monitor].handshake

    @contextmanager
    def _same(self, monitor: _Monitor, fd: int) -> Iterator[sockets.socket]:
        """A connection that was reported.

        Raises:
            OSError: it has ended, and its number may be that of something else by now.
        """
        with _borrowed(fd) as connection:
            if connection.getpeername() != self._watched[monitor].open.get(fd):
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            yield connection


def _borrowed(fd: int) -> sockets.socket:
    """A connection of libzmq's, with a descriptor of our own. Raises OSError if it has ended."""
    own = os.dup(fd)
    try:
        found = sockets.socket(fileno=own)
    except BaseException:  # it is a file by now
        os.close(own)
        raise
    if found.family not in (sockets.AF_INET, sockets.AF_INET6):  # another socket, without address
        found.close()
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return found
