"""Paths below a folder on an SSH server: what is there, folders that are made, names that go."""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from cargo_sync.model import paths
from cargo_sync.model.entries import BY_UMASK, FOLDER, PERMISSIONS, Entry
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.trees.remote.problems import has_vanished, is_no_folder, was_changed
from cargo_sync.trees.sftp.channel import SftpChannel
from cargo_sync.trees.sftp.connection import SftpConnection
from cargo_sync.trees.sftp.entries import entry_of
from cargo_sync.trees.sftp.problems import translated
from cargo_sync.wire.sftp.packets import Attributes, SftpError, Status

T = TypeVar("T")
GONE = frozenset({Status.NO_SUCH_FILE, Status.NO_SUCH_PATH})


class SftpNames:
    """What is below the folder `root`, as the server names it.

    modes  whether what the server says of modes is true
    times  whether it keeps the times that it is told
    """

    def __init__(self, connection: SftpConnection) -> None:
        self.connection = connection
        self.root = b""
        self.modes = True
        self.times = True

    @property
    def where(self) -> str:
        """The server, for people."""
        return self.connection.login.where

    @property
    def shown(self) -> str:
        """The folder itself, for people; the server may call it by a name that is not UTF-8."""
        return self.root.decode(errors="backslashreplace")

    async def call(self, path: str, work: Callable[[SftpChannel], Awaitable[T]]) -> T:
        return await self.connection.call(path, work)

    def at(self, path: str) -> bytes:
        """The path on the server."""
        return self.root + b"/" + path.encode(errors="surrogateescape") if path else self.root

    async def attributes(self, path: str, *, follow: bool = False) -> Attributes | None:
        """What the server says of a path; None for nothing."""

        async def asked(sftp: SftpChannel) -> Attributes | None:
            return await found(sftp.stat(self.at(path)) if follow else sftp.lstat(self.at(path)))

        return await self.call(path, asked)

    def entry_of(self, path: str, attrs: Attributes, target: str = "") -> Entry | Problem:
        return entry_of(path, attrs, target, modes=self.modes)

    async def entry(self, path: str) -> Entry | None:
        return await self.entry_with(path, await self.attributes(path))

    async def entry_with(self, path: str, attrs: Attributes | None) -> Entry | None:
        """What is at a path with these attributes; the target of a link is read.

        Raises:
            ProblemError: it is no file, folder or link.
        """
        if attrs is None:
            return None
        target = ""
        if attrs.is_link:
            raw = await self.call(path, lambda sftp: sftp.readlink(self.at(path)))
            target = raw.decode(errors="surrogateescape")
        entry = self.entry_of(path, attrs, target)
        if isinstance(entry, Problem):
            raise ProblemError(entry)
        return entry

    async def expect(self, path: str, entry: Entry) -> None:
        """Raises ProblemError: VANISHED, CHANGED."""
        check(path, await self.entry(path), entry)

    async def is_there(self, path: str) -> Entry:
        """What is at a path. Raises ProblemError: VANISHED."""
        entry = await self.entry(path)
        if entry is None:
            raise has_vanished(path)
        return entry

    @asynccontextmanager
    async def writing(
        self, channel: SftpChannel, path: str, place: str, size: int
    ) -> AsyncIterator[None]:
        """A context in which so many bytes are written to `place`, about `path`.

        Raises:
            ProblemError: as `call`; DISK_FULL also if the server says only that it failed.
        """
        with translated(self.where, path):
            try:
                yield
            except SftpError as error:
                raise await self.reason(channel, place, size, error) from error

    async def reason(
        self, channel: SftpChannel, place: str, size: int, error: SftpError
    ) -> SftpError:
        """Why so many bytes could not be written: many servers say only that it failed."""
        if error.code != Status.FAILURE or not channel.is_open:
            return error
        try:
            room = await channel.room(self.at(paths.parent(place)))
        except SftpError:
            return error
        is_full = room.free < max(1, size) or room.free_inodes == 0
        return SftpError(Status.NO_SPACE) if is_full else error

    async def unlink(self, path: str) -> None:
        await self.call(path, lambda sftp: sftp.remove(self.at(path)))

    async def make(self, path: str, mode: int) -> Entry:
        """Like RemoteFolder.make."""
        for above in reversed(list(paths.upwards(path))):
            attrs = await self.attributes(above)
            if attrs is None:
                await self._make_one(above, mode if above == path else BY_UMASK)
            elif not attrs.is_folder:
                raise is_no_folder(above)
        return await self.is_there(path)

    async def make_root(self) -> None:
        """Makes the folder itself, and those above it."""
        parts = self.root.split(b"/")

        async def made(sftp: SftpChannel) -> None:
            for count in range(2, len(parts) + 1):
                above = b"/".join(parts[:count])
                try:
                    await sftp.mkdir(above)
                except SftpError:
                    # Most servers say only that it failed when it is there.
                    is_there = await found(sftp.stat(above))
                    if is_there is None or not is_there.is_folder:
                        raise

        await self.call("", made)

    async def _make_one(self, path: str, mode: int) -> None:
        async def made(sftp: SftpChannel) -> None:
            try:
                await sftp.mkdir(self.at(path))
            except SftpError as error:
                raise await self.reason(sftp, path, 0, error) from error
            if mode != BY_UMASK:
                await sftp.setstat(self.at(path), folder_mode(mode))

        try:
            await self.call(path, made)
        except ProblemError:
            # Somebody else may have made it; most servers then say only that it failed.
            attrs = await self.attributes(path)
            if attrs is None or not attrs.is_folder:
                raise


def folder_mode(mode: int) -> Attributes:
    """The mode of a folder, as it is set; its owner can always use it."""
    return Attributes(mode=mode & PERMISSIONS | stat.S_IRWXU)


def is_same(one: Entry, other: Entry) -> bool:
    """Whether two entries are the same one, unchanged."""
    return one.kind == other.kind and (one.kind == FOLDER or one.version == other.version)


def check(path: str, entry: Entry | None, wanted: Entry) -> None:
    """Raises ProblemError: VANISHED, CHANGED, if there is something else than what is wanted."""
    if entry is None:
        raise has_vanished(path)
    if not is_same(entry, wanted):
        raise was_changed(path)


async def found(attrs: asyncio.Future[Attributes]) -> Attributes | None:
    """What was asked for; None if nothing is there."""
    try:
        return await attrs
    except SftpError as error:
        if error.code in GONE:
            return None
        raise
