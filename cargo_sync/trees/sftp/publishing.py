"""New files on an SSH server: staged under another name, then renamed.

A small file costs three round trips, whatever is on the way: it is opened; written, synced, given
its time and mode, and closed; renamed and looked at. Nothing is renamed before the server has said
that all of the content is durable.
"""

import asyncio
from contextlib import suppress

from cargo_sync.model import paths
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import NO_ROOM, Code, ProblemError
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.remote.problems import was_changed
from cargo_sync.trees.remote.staging import (
    STAGING,
    beside,
    is_beside,
    is_staged,
    published,
)
from cargo_sync.trees.sftp.channel import GOING_ON, MAKING, MAKING_TO_COMPARE, SftpChannel
from cargo_sync.trees.sftp.exchange import forget
from cargo_sync.trees.sftp.names import GONE, SftpNames, check, found
from cargo_sync.trees.sftp.other_disks import OtherDisks
from cargo_sync.trees.sftp.problems import of_sftp, translated
from cargo_sync.trees.sftp.upload import OpenStagedFile, SftpUpload, kept_of
from cargo_sync.trees.sftp.writing import attributes, write
from cargo_sync.wire.sftp.packets import Attributes, Flags, SftpError, Status


class _OtherDiskError(Exception):
    """A file could not be renamed, perhaps because its place is on another disk.

    why  as it is told if that is not the reason
    """

    def __init__(self, why: ProblemError) -> None:
        super().__init__(why)
        self.why = why


class SftpPublishing:
    """Stages files below `.cargo_sync`, and gives them their places.

    goes_on  what an upload has written can be compared later, so it goes on after a cut
    """

    goes_on = True

    def __init__(self, names: SftpNames) -> None:
        self._names = names
        self._staged = False
        self._disks = OtherDisks()

    def begin(self) -> None:
        """The folder of staged files may not be there any more."""
        self._staged = False

    async def place(self, transfer: str) -> str:
        """The place of a new staged file; its folder is there."""
        if not self._staged:
            await self._names.make(STAGING, 0o700)
            self._staged = True
        return f"{STAGING}/{transfer}"

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        """Like RemoteFolder.put."""
        while True:
            place = await self._place(file)
            try:
                return await self._put(place, file, content, replaced, pace)
            except _OtherDiskError as error:
                if not self._disks.found(file.path, place):
                    raise error.why from error

    async def _put(
        self, place: str, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        names = self._names
        channel = await names.connection.channel_to_write()
        try:
            with channel.writes():
                async with names.writing(channel, file.path, place, file.size):
                    looked = await self._write(channel, place, file, content, pace)
            await self._expect(file.path, looked, replaced)
            return await self._give(channel, place, file, looked)
        except ProblemError as error:
            # Who has no room for a file has none for a part of it, either.
            if channel.is_open and (error.problem.code in NO_ROOM or not is_staged(place)):
                forget(channel.remove(names.at(place)))
            raise
        except _OtherDiskError:
            forget(channel.remove(names.at(place)))
            raise

    async def upload(self, file: NewFile, kept: Kept | None) -> SftpUpload:
        """Like RemoteFolder.upload."""
        if kept and not self.goes_on:
            await self.give_up(kept)
            kept = None
        place, there = kept_of(kept) if kept else ("", 0)
        is_ours = is_staged(place) or place == beside(file.path, file.transfer)
        if not is_ours or there > file.size:
            place, there = "", 0
        names = self._names
        if place:
            attrs = await names.attributes(place)
            has = 0 if attrs is None or attrs.is_link else attrs.size or 0
            there = min(there, has)
        if not place:
            await self._try_disk(file)
            place = await self._place(file)
        channel = await names.connection.channel_to_write()
        making = MAKING_TO_COMPARE if self.goes_on else MAKING
        async with names.writing(channel, file.path, place, 0):
            if there:
                handle = await channel.open(names.at(place), GOING_ON)
            else:
                handle = await self._made(channel, place, making)
        staged = OpenStagedFile(channel, handle, place, there)
        return SftpUpload(staged, names, self._publish)

    async def give_up(self, kept: Kept) -> None:
        """Like RemoteFolder.give_up."""
        place, _ = kept_of(kept)
        if is_staged(place) or is_beside(paths.name(place)):
            try:
                await self._names.unlink(place)
            except ProblemError as error:
                if error.problem.code is not Code.VANISHED:
                    raise

    # -- inside ------------------------------------------------------------------------------------

    async def _place(self, file: NewFile) -> str:
        """Where a new file is staged."""
        if self._disks.has(file.path):
            return beside(file.path, file.transfer)
        return await self.place(file.transfer)

    async def _try_disk(self, file: NewFile) -> None:
        """Finds out whether a file that is costly to send twice is to be on another disk."""
        if self._disks.is_known(file.path):
            return
        names, place = self._names, await self.place(f"{file.transfer}-trial")
        here, there = names.at(place), names.at(beside(file.path, file.transfer))

        async def tried(sftp: SftpChannel) -> bool:
            await sftp.close(await sftp.open(here, MAKING))
            try:
                await sftp.rename(here, there)
            except SftpError as error:
                forget(sftp.remove(here))
                return error.code == Status.FAILURE
            await sftp.remove(there)
            return False

        self._disks.note(file.path, elsewhere=await names.call(file.path, tried))

    async def _made(self, channel: SftpChannel, place: str, flags: int) -> bytes:
        """Makes a staged file; gives its handle.

        Our own folder is closed to others. Elsewhere they may have put a link where we write.
        """
        at = self._names.at(place)
        if is_staged(place):
            return await channel.open(at, flags)
        with suppress(SftpError):
            await channel.remove(at)
        return await channel.open(at, flags | Flags.EXCLUSIVE)

    async def _write(
        self, channel: SftpChannel, place: str, file: NewFile, content: memoryview, pace: Pace
    ) -> Attributes | None:
        """Stages a file, complete and durable. Returns what is at its path meanwhile."""
        at = self._names.at(place)
        try:
            handle = await self._made(channel, place, MAKING)
        except SftpError as error:
            if error.code in GONE:
                self._staged = False  # somebody has removed the folder of staged files
            raise
        small = len(content) <= channel.longest[1]
        calls: list[asyncio.Future[None]] = []
        try:
            if small:
                await pace(len(content))
                calls.append(channel.write(handle, 0, content))
            else:
                await write(channel, handle, 0, content, pace)
            calls.append(channel.sync(handle))
            # By its name: not every server answers this for a file that is open.
            calls.append(channel.setstat(at, attributes(file.mtime_ns, file.mode)))
            # After the content, which may take long: somebody may write there meanwhile.
            looked = channel.lstat(self._names.at(file.path))
            forget(looked)
        finally:
            if channel.is_open:
                calls.append(channel.close(handle))
            for call in calls:
                forget(call)
        await asyncio.gather(*calls)
        return await found(looked)

    async def _publish(self, place: str, file: NewFile, replaced: Entry | None) -> Entry:
        """Gives a staged file its time, its mode and its place."""
        path, names = file.path, self._names
        channel = await names.connection.channel()
        with translated(names.where, path):
            set_, looked = (
                channel.setstat(names.at(place), attributes(file.mtime_ns, file.mode)),
                channel.lstat(names.at(path)),
            )
            forget(looked)
            await set_
            attrs = await found(looked)
        await self._expect(path, attrs, replaced)
        try:
            return await self._give(channel, place, file, attrs)
        except _OtherDiskError as error:
            if not self._disks.found(path, place):
                raise error.why from error
            raise was_changed(path) from error  # all of it must be sent again

    async def _expect(self, path: str, attrs: Attributes | None, replaced: Entry | None) -> None:
        """Raises ProblemError: there is something else than what is to be replaced."""
        if replaced is not None:
            check(path, await self._names.entry_with(path, attrs), replaced)
        elif attrs is not None:
            raise was_changed(path)

    async def _give(
        self, channel: SftpChannel, place: str, file: NewFile, replaced: Attributes | None
    ) -> Entry:
        """Renames a staged file to its path, at which is nothing else than what it replaces."""
        path, names = file.path, self._names
        here, there = names.at(place), names.at(path)
        with translated(names.where, path):
            if replaced is not None:
                await _replace(channel, here, there)
                looked = channel.lstat(there)
            else:
                renamed, looked = channel.rename(here, there), channel.lstat(there)
                forget(looked)
                try:
                    await renamed
                except SftpError as error:
                    if error.code != Status.FAILURE:
                        raise
                    if await found(looked) is not None:  # it came in this moment
                        raise was_changed(path) from error
                    # Another disk is told as a failure, and a full one, too.
                    why = await names.reason(channel, path, 0, error)
                    if why is not error:
                        raise why from error
                    raise _OtherDiskError(
                        ProblemError(of_sftp(error, names.where, path))
                    ) from error
            attrs = await found(looked)
            if attrs is None:  # some servers do the second before the first
                attrs = await found(channel.lstat(there))
            if attrs is not None and not self._has_time(attrs, file):
                # It was set before all was written, for a server that does one after the other.
                await channel.setstat(there, attributes(file.mtime_ns, file.mode))
                attrs = await found(channel.lstat(there))
        return published(await names.entry_with(path, attrs), file)

    def _has_time(self, attrs: Attributes, file: NewFile) -> bool:
        return not self._names.times or attrs.mtime == attributes(file.mtime_ns, file.mode).mtime


async def _replace(channel: SftpChannel, here: bytes, there: bytes) -> None:
    try:
        await channel.replace(here, there)
    except SftpError as error:
        if error.code != Status.UNSUPPORTED:
            raise
        await channel.remove(there)
        await channel.rename(here, there)
