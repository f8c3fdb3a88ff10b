"""A TCP port: commands on it and the feed on the next, with keys (CURVE, RFC 26) or plain.

A plain port is only on loopback. We own the listening sockets, and libzmq gets copies of them
(ZMQ_USE_FD). So the feed's socket can be replaced, to disconnect a subscriber with a revoked key,
and no other process can take the port in between.
"""

import asyncio
import os
import socket as sockets
from functools import partial

import zmq
import zmq.asyncio

from cargo_sync.api.addresses import Addresses, tcp_addresses
from cargo_sync.control.binding import COMMANDS, FEED, SocketSetup, on_thread
from cargo_sync.control.callers import keyed_door, plain_door
from cargo_sync.control.connections import (
    HANDSHAKE_MS,
    KEYED_BYTES,
    PLAIN_BYTES,
    Connections,
)
from cargo_sync.control.gate import KEYED_DOMAIN, PLAIN_DOMAIN
from cargo_sync.control.keyring import Keyring
from cargo_sync.control.private import EndpointError
from cargo_sync.control.publisher import Publisher, bind_feed
from cargo_sync.control.router import Router, bind_commands
from cargo_sync.process.doors import defer
from cargo_sync.process.tasks import SOON, lasting

_SILENCE_S, _PROBES = 5, 3
_BACKLOG = 4_096
_TRIES = 50
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - values of a file


class TcpPort:
    """Two sockets over TCP, from construction to `close`.

    host, port   where to listen; port 0 takes a free pair
    keys         the keys of the clients; None for a plain port
    connections  counts the connections

    Raises:
        EndpointError: the port cannot be used.
    """

    def __init__(
        self,
        context: zmq.asyncio.Context,
        host: str,
        port: int,
        keys: Keyring | None,
        connections: Connections,
        publisher: Publisher,
    ) -> None:
        self._context = context
        self._host = host
        self._keys = keys
        self._connections = connections
        self._publisher = publisher
        self._cut = asyncio.Event()
        self._handshake = PLAIN_BYTES if keys is None else KEYED_BYTES
        self._listening = _listen_pair(host, port)
        self.port: int = self._listening[0].getsockname()[1]
        self.addresses: Addresses = tcp_addresses(_EVERYWHERE.get(host, host), self.port)
        # These cannot fail because of the port: libzmq takes over sockets that listen already.
        self._commands = bind_commands(context, self._bound_to(COMMANDS), self._prepare(COMMANDS))
        self._open_feed()

    @property
    def keyed(self) -> bool:
        """Whether clients need a key."""
        return self._keys is not None

    @property
    def reached_at(self) -> str:
        """The address of commands for other machines.

        It has this machine's name if the port listens on all addresses.
        """
        if self._host in _EVERYWHERE:
            return tcp_addresses(sockets.gethostname(), self.port).commands
        return self.addresses.commands

    async def serve(self, router: Router) -> None:
        """Answers commands and subscriptions until cancelled."""
        door = plain_door if self._keys is None else keyed_door(self._keys)
        async with asyncio.TaskGroup() as group:
            commands = partial(router.serve, self._commands, door)
            counting = partial(self._connections.count, self._commands, self._handshake)
            group.create_task(lasting(commands, "answering commands", again=SOON))
            group.create_task(lasting(counting, "counting clients", again=SOON))
            while True:
                if self._feed.closed:
                    self._open_feed()
                replaying = partial(self._publisher.serve, self._feed)
                counting = partial(self._connections.count, self._feed, self._handshake)
                feed = [
                    group.create_task(lasting(replaying, "replaying the feed", again=SOON)),
                    group.create_task(lasting(counting, "counting subscribers", again=SOON)),
                ]
                await self._cut.wait()
                self._cut.clear()
                for task in feed:
                    task.cancel()
                await asyncio.wait(feed)
                self._feed.close(linger=0)

    def _open_feed(self) -> None:
        self._feed = bind_feed(self._context, self._bound_to(FEED), self._prepare(FEED))
        self._publisher.attach(self._feed)

    def cut(self) -> None:
        """Disconnects all subscribers. Those whose key still holds reconnect."""
        self._publisher.detach(self._feed)
        self._cut.set()

    def close(self, linger: int) -> None:
        """Closes the port; replies may still go out for `linger` milliseconds."""
        self._stop_listening()
        for socket in (self._commands, self._feed):
            self._connections.leave(socket)
            socket.close(linger=linger)

    def _bound_to(self, number: int) -> str:
        return _address(self._host, self.port + number)

    def _prepare(self, number: int) -> SocketSetup:
        def prepare(socket: zmq.asyncio.Socket) -> None:
            on_thread(socket, number)
            socket.setsockopt(zmq.IPV6, ":" in self._host)
            socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
            # The system notices a cut connection. Heartbeats of libzmq would too, but in 4.3.5 they
            # can end the process.
            socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
            socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, _SILENCE_S)
            socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, _SILENCE_S)
            socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, _PROBES)
            socket.setsockopt(zmq.TCP_MAXRT, _SILENCE_S * _PROBES * 1000)
            socket.setsockopt(zmq.ZAP_DOMAIN, PLAIN_DOMAIN if self._keys is None else KEYED_DOMAIN)
            if self._keys is not None:
                socket.setsockopt(zmq.CURVE_SERVER, 1)
                socket.setsockopt(zmq.CURVE_SECRETKEY, self._keys.own.secret.encode())
            socket.setsockopt(zmq.USE_FD, os.dup(self._listening[number].fileno()))
            self._connections.watch(socket, self._handshake)

        return prepare

    def _stop_listening(self) -> None:
        for listening in self._listening:
            listening.close()


def _listen_pair(host: str, port: int) -> tuple[sockets.socket, sockets.socket]:
    """Listens on `port` and the next one. Raises EndpointError."""
    for last in reversed(range(_TRIES if port == 0 else 1)):
        first = second = None
        try:
            first = _listen(host, port)
            second = _listen(host, first.getsockname()[1] + 1)
        except (OSError, OverflowError) as error:
            at = _address(host, first.getsockname()[1] + 1 if first is not None else port)
            if first is not None:
                first.close()
            if last:
                continue  # the port after a free one is in use: try another pair
            reason = (
                os.strerror(error.errno).lower()
                if isinstance(error, OSError) and error.errno
                else error
            )
            raise EndpointError(
                f"cannot listen on {at}: {reason}; change control.listen or -z, or stop the "
                "program that uses it"
            ) from error
        return first, second
    raise AssertionError("the last try returns or raises")


def _listen(host: str, port: int) -> sockets.socket:
    """Listens on one port. Raises OSError."""
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    listening = sockets.socket(family, sockets.SOCK_STREAM)
    try:
        listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1" if host == "localhost" else host, port))
        defer(listening)  # a client of ZMTP sends its greeting at once (RFC 23)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _address(host: str, port: int) -> str:
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
