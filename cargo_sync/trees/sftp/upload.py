"""A larger file under way to an SSH server.

It is written from its beginning, a piece at a time, into a file in our staging folder. A piece
counts when all of it was written and synced: after a cut, the file there may be longer, with holes.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import asyncssh
import orjson

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.sftp.problems import translated
from cargo_sync.trees.sftp.writing import sync, write

PIECE: Final = 8 * 2**20
_COMPARED: Final = 64 * 2**10
"""Bytes before the end of what is there that are read back before an upload goes on."""


class SftpUpload:
    """An upload into the staged file `place`, of which `there` bytes are durable.

    See `RemoteUpload`. `publishing` gives the staged file its place.
    """

    piece = PIECE
    at_once = 1
    asks = True

    def __init__(
        self,
        opened: asyncssh.SFTPClientFile,
        where: str,
        place: str,
        there: int,
        publishing: Callable[[str, NewFile, Entry | None], Awaitable[Entry]],
        removing: Callable[[str], Awaitable[None]],
    ) -> None:
        self._opened = opened
        self._where = where
        self._place = place
        self._there = there
        self._publishing = publishing
        self._removing = removing

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        return [(0, self._there)] if self._there else []

    async def holds(self, offset: int, content: memoryview) -> bool:
        end = offset + len(content)
        if end < self._there:
            return True  # only the last bytes are read back
        wanted = content[max(0, self._there - offset - _COMPARED) : self._there - offset]
        start = self._there - len(wanted)
        with translated(self._where, ""):
            found: object = await self._opened.read(len(wanted), start)
        return found == bytes(wanted)

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        with translated(self._where, ""):
            await write(self._opened, offset, content, pace)
            await sync(self._opened)
        self._there = offset + len(content)

    def kept(self) -> Kept:
        return orjson.dumps([self._place, self._there]).decode()

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        with translated(self._where, file.path):
            await self._opened.close()
        return await self._publishing(self._place, file, replaced)

    async def leave(self) -> None:
        with suppress(asyncssh.Error, OSError):
            await self._opened.close()

    async def abort(self) -> None:
        await self.leave()
        try:
            await self._removing(self._place)
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
