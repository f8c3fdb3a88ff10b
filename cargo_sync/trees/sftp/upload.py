"""A larger file under way to an SSH server.

It is written from its beginning, a piece at a time, into a file in our staging folder. A piece
counts when all of it was written and synced: after a cut, the file there may be longer, with holes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import orjson

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.sftp.channel import SftpChannel
from cargo_sync.trees.sftp.exchange import forget
from cargo_sync.trees.sftp.names import SftpNames
from cargo_sync.trees.sftp.problems import translated
from cargo_sync.trees.sftp.writing import write

PIECE: Final = 8 * 2**20
_COMPARED: Final = 64 * 2**10
"""Bytes before the end of what is there that are read back before an upload goes on: fewer than
one request may ask for."""


class OpenStagedFile:
    """A staged file that is open.

    place   its path in the folder
    there   so many bytes of it are durable
    """

    def __init__(self, channel: SftpChannel, handle: bytes, place: str, there: int) -> None:
        self.channel = channel
        self.place = place
        self.there = there
        self.handle = handle
        self._is_open = True
        channel.under_way += 1

    def close(self) -> asyncio.Future[None] | None:
        """Closes it; the answer comes later. None if it was closed already."""
        if not self._is_open:
            return None
        self._is_open = False
        self.channel.under_way -= 1
        return self.channel.close(self.handle) if self.channel.is_open else None


class SftpUpload:
    """An upload into a staged file.

    See `RemoteUpload`. `publishing` gives the staged file its place.
    """

    piece = PIECE
    at_once = 1
    asks = False

    def __init__(
        self,
        staged: OpenStagedFile,
        names: SftpNames,
        publishing: Callable[[str, NewFile, Entry | None], Awaitable[Entry]],
    ) -> None:
        self._staged = staged
        self._names = names
        self._publishing = publishing

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        return [(0, self._staged.there)] if self._staged.there else []

    async def holds(self, offset: int, content: memoryview) -> bool:
        staged, end = self._staged, offset + len(content)
        if end < staged.there:
            return True  # only the last bytes are read back
        wanted = content[max(0, staged.there - offset - _COMPARED) : staged.there - offset]
        found = bytearray()
        with translated(self._names.where, ""):
            while len(found) < len(wanted):
                left = min(len(wanted) - len(found), staged.channel.longest[0])
                start = staged.there - len(wanted) + len(found)
                if not (some := await staged.channel.read(staged.handle, start, left)):
                    return False
                found += some
        return found == wanted

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        staged = self._staged
        async with self._names.writing(staged.channel, "", staged.place, len(content)):
            await write(staged.channel, staged.handle, offset, content, pace)
            await staged.channel.sync(staged.handle)
        staged.there = offset + len(content)

    def kept(self) -> Kept:
        return orjson.dumps([self._staged.place, self._staged.there]).decode()

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        if (closed := self._staged.close()) is not None:
            with translated(self._names.where, file.path):
                await closed
        return await self._publishing(self._staged.place, file, replaced)

    async def leave(self) -> None:
        if (closed := self._staged.close()) is not None:
            forget(closed)

    async def abort(self) -> None:
        await self.leave()
        try:
            await self._names.unlink(self._staged.place)
        except ProblemError as error:
            if error.problem.code is not Code.VANISHED:
                raise


def kept_of(kept: Kept) -> tuple[str, int]:
    """The place and the length of what `SftpUpload.kept` told of; ("", 0) if it is none."""
    try:
        place, there = orjson.loads(kept)
    except (ValueError, TypeError):
        return "", 0
    if not isinstance(place, str) or not isinstance(there, int) or there < 0:
        return "", 0
    return place, there
