"""The folder of an instance's sockets: made for its owner alone, claimed by one process, left clean."""

import asyncio
import contextlib
import fcntl
import os
import stat
from collections.abc import Callable
from types import TracebackType
from typing import Self

import zmq
import zmq.asyncio

from cargo_sync.api.addresses import SERVER, Addresses, instance_addresses, is_live
from cargo_sync.control.publisher import Publisher, bind_feed
from cargo_sync.control.router import Router, bind_commands

_FAREWELL_MS = 250
_IPC = "ipc://"


class EndpointError(Exception):
    """The sockets cannot be offered; the text says why and what to do."""


class Endpoint:
    """Both sockets of one instance, from construction to `close`; made within a running event loop.

    runtime, instance  where they lie: see `api.addresses`
    epoch, now         for the feed's messages

    Raises:
        EndpointError: another process holds this instance (its process is named), or the folder is not safe.
        AddressError: the path is too long for a socket.
    """

    def __init__(self, runtime: str, instance: str, *, epoch: str, now: Callable[[], float]) -> None:
        self.addresses: Addresses = instance_addresses(runtime, instance)
        _make_folder(runtime, self.addresses.folder)
        self._lock = _claim(self.addresses)
        self._context = zmq.asyncio.Context()
        self._sockets: list[zmq.asyncio.Socket] = []
        try:
            self._commands = self._bound(bind_commands, self.addresses.commands)
            feed = self._bound(bind_feed, self.addresses.feed)
        except BaseException:
            self.close()
            raise
        self.publisher = Publisher(feed, epoch, now)

    async def serve(self, router: Router) -> None:
        """Answer commands and subscriptions until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(router.serve(self._commands))
            group.create_task(self.publisher.serve())

    def close(self) -> None:
        """Send what was answered, remove the sockets, let go of the instance."""
        for socket in self._sockets:
            # Lingering a moment, where somebody is there to read: `shutdown` deserves its answer.
            socket.close(linger=_FAREWELL_MS)
        self._context.term()
        for address in (self.addresses.commands, self.addresses.feed):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(address.removeprefix(_IPC))
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _bound(
        self, bind: Callable[[zmq.asyncio.Context, str], zmq.asyncio.Socket], address: str
    ) -> zmq.asyncio.Socket:
        path = address.removeprefix(_IPC)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # a killed daemon's: ours is the lock, and nobody answers
            socket = bind(self._context, address)
            self._sockets.append(socket)
            os.chmod(path, 0o600)
        except (OSError, zmq.ZMQError) as error:
            raise EndpointError(f"{address} cannot be bound: {error.strerror}") from error
        return socket


def _make_folder(runtime: str, folder: str) -> None:
    """Make both with 0700; those that are there must be ours, and writable by nobody else."""
    try:
        os.makedirs(os.path.dirname(runtime), exist_ok=True)
        for each in (runtime, folder):
            with contextlib.suppress(FileExistsError):
                os.mkdir(each, 0o700)
            found = os.lstat(each)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                raise EndpointError(f"{each} is not this user's folder: set CARGO_RUNTIME_DIR to one that is")
            if found.st_mode & 0o022:
                raise EndpointError(f"{each} may be written by others: chmod 700, or set CARGO_RUNTIME_DIR")
        os.chmod(folder, 0o700)
    except OSError as error:
        raise EndpointError(f"{folder} cannot be made: {error.strerror}; set CARGO_RUNTIME_DIR") from error


def _claim(addresses: Addresses) -> int:
    """The descriptor of the instance's lock, which the kernel lets go of when the process ends."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        lock = os.open(os.path.join(addresses.folder, "lock"), flags, 0o600)
    except OSError as error:
        raise EndpointError(f"{addresses.folder}/lock cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Where locks do not work (some network file systems), an answer still tells.
        held = is_live(addresses.commands)
    except OSError:
        held = True
    if held:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise EndpointError(_taken(addresses, holder))
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _taken(addresses: Addresses, holder: str) -> str:
    if addresses.instance == SERVER:
        return (
            f"a server is already running (process {holder}): end it by `cargo_ctl shutdown --server`, "
            'or give this one a runtime folder of its own: "control": {"runtime_dir": …} in its file'
        )
    return (
        f'a daemon is already running as "{addresses.instance}" (process {holder}): '
        f"end it first, by `cargo_ctl --connect {addresses.instance} shutdown`"
    )
