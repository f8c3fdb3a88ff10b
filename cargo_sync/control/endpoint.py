"""All sockets of an instance: local ones in a folder that one process locks, and TCP ports."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

import zmq
import zmq.asyncio

from cargo_sync.api.addresses import SERVER, Addresses, instance_addresses, is_live
from cargo_sync.config.control import LOOPBACK, ControlSettings
from cargo_sync.control.binding import COMMANDS, FEED, IO_THREADS, on_thread
from cargo_sync.control.connections import Connections
from cargo_sync.control.gate import ZapGate
from cargo_sync.control.keyring import Keyring
from cargo_sync.control.private import EndpointError, close_to_others, make_private
from cargo_sync.control.publisher import Publisher, bind_feed
from cargo_sync.control.router import Router, bind_commands
from cargo_sync.control.tcp import TcpPort
from cargo_sync.process.file_lock import FileLock, LockedError
from cargo_sync.process.tasks import SOON, lasting

__all__ = ["Endpoint", "EndpointError"]

_FAREWELL_MS = 1_000
_IPC = "ipc://"
_NO_PORT = ControlSettings()
_HINT = "set CARGO_RUNTIME_DIR to a folder of yours"

_log = logging.getLogger(__name__)


class Endpoint:
    """All sockets of one instance, from construction to `close`; needs a running event loop.

    runtime, instance  where the local sockets are: see `api.addresses`
    epoch, now         for the messages of the feed
    control            the port, if one is wanted
    keys               the folder of the keys: see `api.addresses.keys_dir`
    ipc                whether there are local sockets. Without them there is always a port with
                       keys on loopback, and front ends find it by a key file in `keys`

    addresses  used by this user's own front ends
    ports      the TCP ports
    keyring    the keys of the clients; None without a port, or if the port is plain

    Raises:
        EndpointError: another process uses this instance (the text names it), or the folder, the
            keys or the port cannot be used.
        AddressError: the path is too long for a socket.
    """

    def __init__(
        self,
        runtime: str,
        instance: str,
        *,
        epoch: str,
        now: Callable[[], float],
        control: ControlSettings = _NO_PORT,
        keys: str = "",
        ipc: bool | None = None,
    ) -> None:
        self.addresses: Addresses = instance_addresses(runtime, instance)
        self.keyring: Keyring | None = None
        self._local = self.addresses
        self._ipc = zmq.has("ipc") if ipc is None else ipc
        _make_folder(runtime, self._local.folder)
        self._lock = _claim(self._local)
        self._context = zmq.asyncio.Context(IO_THREADS)
        self._connections = Connections()
        self._gate: ZapGate | None = None
        self._commands: zmq.asyncio.Socket | None = None
        self._feed: zmq.asyncio.Socket | None = None
        self._ports: list[TcpPort] = []
        self.publisher = Publisher(epoch, now)
        try:
            if self._ipc:
                bind = partial(bind_commands, prepare=_for_commands)
                self._commands = self._bound(bind, self._local.commands)
                bind = partial(bind_feed, prepare=_for_feed)
                self._feed = self._bound(bind, self._local.feed)
                self.publisher.attach(self._feed)
            self._open_ports(control, keys, now)
        except BaseException:
            self.close()
            raise

    @property
    def ports(self) -> tuple[TcpPort, ...]:
        return tuple(self._ports)

    @property
    def all_addresses(self) -> tuple[Addresses, ...]:
        """All addresses of commands and feeds; those of this user's own front ends come first."""
        others = [port.addresses for port in self._ports if port.addresses != self.addresses]
        return (self.addresses, *others)

    async def serve(self, router: Router) -> None:
        """Answers commands and subscriptions until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._gate is not None:
                group.create_task(lasting(self._gate.serve, "admitting clients", again=SOON))
            if self._commands is not None and self._feed is not None:
                commands = partial(router.serve, self._commands)
                feed = partial(self.publisher.serve, self._feed)
                group.create_task(lasting(commands, "answering commands", again=SOON))
                group.create_task(lasting(feed, "replaying the feed", again=SOON))
            for port in self._ports:
                serving = partial(port.serve, router)
                group.create_task(lasting(serving, "serving a control port", again=SOON))

    def cut(self) -> None:
        """Disconnects all subscribers over TCP. Those whose key still holds reconnect."""
        for port in self._ports:
            port.cut()

    def close(self) -> None:
        """Sends the last replies, removes the sockets and unlocks the instance."""
        for port in self._ports:
            port.close(_FAREWELL_MS)
        for socket in (self._commands, self._feed):
            if socket is not None:
                # Wait a moment, so that the reply to `shutdown` can go out.
                socket.close(linger=_FAREWELL_MS)
        if self._gate is not None:
            self._gate.close()  # after the ports, because without a gate they accept everybody
        self._context.term()
        for address in (self._local.commands, self._local.feed):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(address.removeprefix(_IPC))
        if self.keyring is not None:
            with contextlib.suppress(EndpointError):
                self.keyring.announce("")
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open_ports(self, control: ControlSettings, folder: str, now: Callable[[], float]) -> None:
        """Opens the port that `control` asks for.

        Without local sockets it also opens one with keys, for this user's own front ends.
        """
        wanted = [] if control.port is None else [control]
        if not self._ipc and (control.port is None or control.plain_loopback):
            wanted.append(replace(control, port=0, host=LOOPBACK, plain_loopback=False))
        if not wanted:
            return
        self._gate = ZapGate(self._context, self._is_admitted, self._connections.has_room)
        for each in wanted:
            assert each.port is not None
            keys = None if each.plain_loopback else Keyring(folder, now)
            port = TcpPort(
                self._context, each.host, each.port, keys, self._connections, self.publisher
            )
            self._ports.append(port)
            if keys is None:
                _log.warning(
                    "%s is PLAIN: every user and program on this machine may pause, start and "
                    "reload jobs there, and read the feed; remove plain_loopback for a port with "
                    "keys",
                    port.addresses.commands,
                )
                continue
            self.keyring = keys
            keys.announce(port.addresses.commands)
            if not self._ipc:
                self.addresses = port.addresses

    def _is_admitted(self, public: str) -> bool:
        return self.keyring is not None and self.keyring.of(public) is not None

    def _bound(
        self, bind: Callable[[zmq.asyncio.Context, str], zmq.asyncio.Socket], address: str
    ) -> zmq.asyncio.Socket:
        path = address.removeprefix(_IPC)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # left by a killed process: we hold the lock
            socket = bind(self._context, address)
        except (OSError, zmq.ZMQError) as error:
            raise EndpointError(f"{address} cannot be bound: {error.strerror}") from error
        try:
            os.chmod(path, 0o600)
        except OSError as error:
            socket.close(linger=0)
            raise EndpointError(f"{address} cannot be made private: {error.strerror}") from error
        return socket


def _for_commands(socket: zmq.asyncio.Socket) -> None:
    """Prepares the local socket of commands.

    A client that reconnects with its own identity takes over at once. Not over TCP: a client with
    another key could take the replies of this one.
    """
    on_thread(socket, COMMANDS)
    socket.setsockopt(zmq.ROUTER_HANDOVER, 1)


def _for_feed(socket: zmq.asyncio.Socket) -> None:
    on_thread(socket, FEED)


def _make_folder(runtime: str, folder: str) -> None:
    """Makes both folders with the mode 0700, or checks existing ones. Raises EndpointError."""
    try:
        os.makedirs(os.path.dirname(runtime), exist_ok=True)
    except OSError as error:
        raise EndpointError(f"{folder} cannot be made: {error.strerror}; {_HINT}") from error
    for each in (runtime, folder):
        make_private(each, _HINT)
    close_to_others(folder)


def _claim(addresses: Addresses) -> FileLock:
    """Locks the instance, with our process id in the lock file. Raises EndpointError."""
    path = os.path.join(addresses.folder, "lock")
    try:
        lock = FileLock(path)
    except LockedError as error:
        raise EndpointError(_taken(addresses, error.holder)) from error
    except OSError as error:
        raise EndpointError(f"{path} cannot be opened: {error.strerror}") from error
    # Locks do not work on some network file systems. A process that answers still shows there.
    if is_live(addresses.commands):
        holder = lock.holder()
        lock.close()
        raise EndpointError(_taken(addresses, holder))
    lock.sign()
    return lock


def _taken(addresses: Addresses, holder: str) -> str:
    if addresses.instance == SERVER:
        return (
            f"a server is already running (process {holder}): "
            "stop it with `cargo_ctl shutdown --server`, or give this one another runtime folder: "
            '"control": {"runtime_dir": …} in its file'
        )
    return (
        f'a daemon is already running as "{addresses.instance}" (process {holder}): '
        f"stop it first with `cargo_ctl --connect {addresses.instance} shutdown`"
    )
