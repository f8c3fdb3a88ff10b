"""A port: commands on it and the feed on the next, either with keys (CURVE, RFC 26) or plain on
loopback.

The listening sockets are ours and libzmq is given copies (ZMQ_USE_FD), so that the feed can be made
anew while the port stays taken: a revoked subscriber is cut off so, and nobody else can slip in
between.
"""

import asyncio
import os
import socket as sockets
from typing import Final

import zmq
import zmq.asyncio

from cargo_sync.api.addresses import Addresses, tcp_addresses
from cargo_sync.control.binding import SocketSetup
from cargo_sync.control.callers import keyed_door, plain_door
from cargo_sync.control.connections import Connections
from cargo_sync.control.gate import KEYED_DOMAIN, PLAIN_DOMAIN
from cargo_sync.control.keyring import Keyring
from cargo_sync.control.private import EndpointError
from cargo_sync.control.publisher import Publisher, bind_feed
from cargo_sync.control.router import Router, bind_commands

HANDSHAKE_MS: Final = 5_000
_BACKLOG = 128
_TRIES = 50
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - as it is said in a file


class TcpPort:
    """Two sockets over TCP, from construction to `close`.

    host, port   where; port 0 is a free pair
    keys         who is let in; None is a plain port
    connections  where its peers are counted

    Raises:
        EndpointError: the port cannot be had.
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
        self._listening = _listen_pair(host, port)
        self.port: int = self._listening[0].getsockname()[1]
        self.addresses: Addresses = tcp_addresses(_EVERYWHERE.get(host, host), self.port)
        # What could be refused has been: libzmq only takes over what listens already.
        self._commands = bind_commands(context, self._bound_to(0), self._prepare(0))
        self._feed = bind_feed(context, self._bound_to(1), self._prepare(1))
        publisher.attach(self._feed)

    @property
    def keyed(self) -> bool:
        """Whether it is opened by keys."""
        return self._keys is not None

    @property
    def reached_at(self) -> str:
        """The address of commands as others can reach it: with this host's name, if it is every
        address."""
        if self._host in _EVERYWHERE:
            return tcp_addresses(sockets.gethostname(), self.port).commands
        return self.addresses.commands

    async def serve(self, router: Router) -> None:
        """Answer commands and subscriptions until cancelled."""
        door = plain_door if self._keys is None else keyed_door(self._keys)
        async with asyncio.TaskGroup() as group:
            group.create_task(router.serve(self._commands, door))
            group.create_task(self._connections.count(self._commands))
            while True:
                feed = [
                    group.create_task(self._publisher.serve(self._feed)),
                    group.create_task(self._connections.count(self._feed)),
                ]
                await self._cut.wait()
                self._cut.clear()
                for task in feed:
                    task.cancel()
                await asyncio.wait(feed)
                self._feed.close(linger=0)
                self._feed = bind_feed(self._context, self._bound_to(1), self._prepare(1))
                self._publisher.attach(self._feed)

    def cut(self) -> None:
        """Cut every subscriber off. Those whose key is admitted come back by themselves."""
        self._publisher.detach(self._feed)
        self._cut.set()

    def close(self, linger: int) -> None:
        """linger: milliseconds in which what was answered may still go out."""
        self._stop_listening()
        for socket in (self._commands, self._feed):
            socket.close(linger=linger)

    def _bound_to(self, number: int) -> str:
        return _address(self._host, self.port + number)

    def _prepare(self, number: int) -> SocketSetup:
        def prepare(socket: zmq.asyncio.Socket) -> None:
            socket.setsockopt(zmq.IPV6, ":" in self._host)
            socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
            socket.setsockopt(zmq.ZAP_DOMAIN, PLAIN_DOMAIN if self._keys is None else KEYED_DOMAIN)
            if self._keys is not None:
                socket.setsockopt(zmq.CURVE_SERVER, 1)
                socket.setsockopt(zmq.CURVE_SECRETKEY, self._keys.own.secret.encode())
            socket.setsockopt(zmq.USE_FD, os.dup(self._listening[number].fileno()))

        return prepare

    def _stop_listening(self) -> None:
        for listening in self._listening:
            listening.close()


def _listen_pair(host: str, port: int) -> tuple[sockets.socket, sockets.socket]:
    """Listening sockets of `port` and the next one. Raises EndpointError."""
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
                continue  # of a free pair the second is somebody's: there are others
            reason = (
                os.strerror(error.errno).lower()
                if isinstance(error, OSError) and error.errno
                else error
            )
            raise EndpointError(
                f"{at} cannot be had: {reason}; change control.listen or -z, or stop what is there"
            ) from error
        return first, second
    raise AssertionError("the last try returns or raises")


def _listen(host: str, port: int) -> sockets.socket:
    """Raises OSError."""
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    listening = sockets.socket(family, sockets.SOCK_STREAM)
    try:
        listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1" if host == "localhost" else host, port))
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _address(host: str, port: int) -> str:
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
