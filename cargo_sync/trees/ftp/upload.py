"""A larger file under way to an FTP server.

It is written from its beginning into a file in our staging folder, by one command; where a file can
go on at its end, by another one every few seconds. What the server has of it is asked before an
upload goes on, so nothing depends on how much of what was sent has arrived.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.ftp.calls import FtpCalls
from cargo_sync.trees.ftp.channel import FtpChannel
from cargo_sync.trees.ftp.storing import send
from cargo_sync.trees.ftp.ways import GoOn
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.remote.staging import kept_place

PIECE: Final = 8 * 2**20
_COMPARED: Final = 64 * 2**10
"""Bytes before the end of what is there that are read back before an upload goes on."""
_LEAVING: Final = 0.5
"""Seconds in which an upload that is stopped may end well, so that nothing of it is lost."""


class FtpUpload:
    """An upload into the staged file `place`, of which `there` bytes are on the server.

    See `RemoteUpload`. `publishing` gives the staged file its place, `removing` removes it.
    """

    piece = PIECE
    at_once = 1
    asks = True

    def __init__(
        self,
        calls: FtpCalls,
        go_on: GoOn,
        place: str,
        there: int,
        size: int,
        publishing: Callable[[str, NewFile, Entry | None], Awaitable[Entry]],
        removing: Callable[[str], Awaitable[None]],
    ) -> None:
        self._calls = calls
        self._go_on = go_on
        self._place = place
        self._there = there
        self._size = size
        self._publishing = publishing
        self._removing = removing
        self._channel: FtpChannel | None = None
        self._lost = False

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        return [(0, self._there)] if self._there else []

    async def holds(self, offset: int, content: memoryview) -> bool:
        end = offset + len(content)
        if end < self._there:
            return True  # only the last bytes are read back
        wanted = content[max(0, self._there - offset - _COMPARED) : self._there - offset]
        start = self._there - len(wanted)
        return await self._calls.fetch(self._place, start, len(wanted)) == bytes(wanted)

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        if offset != self._there or self._lost:
            # What the server has of a piece that failed is only known after a look.
            raise ProblemError(Problem(Code.CUT, "the upload must be continued anew"))
        end = offset + len(content)
        try:
            channel = self._channel or await self._open(offset)
            self._channel = channel
            await send(channel, content, pace)
            if end >= self._size or (channel.is_old and self._go_on is not GoOn.NONE):
                await channel.finish()
                await self._end()
        except BaseException:
            self._lost = True
            await self._drop()
            raise
        self._there = end

    def kept(self) -> Kept:
        return kept_place(self._place)

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        if self._there != file.size or self._channel is not None:
            raise ProblemError(Problem(Code.INCOMPLETE, "not all was sent", file.path))
        return await self._publishing(self._place, file, replaced)

    async def leave(self) -> None:
        channel = self._channel
        try:
            if channel is not None and not self._lost and self._go_on is not GoOn.NONE:
                with suppress(ProblemError, TimeoutError):
                    async with asyncio.timeout(_LEAVING):
                        await channel.finish()
                    await self._end()
        finally:  # it may be cancelled once more
            await self._drop()

    async def abort(self) -> None:
        await self._drop()
        await self._removing(self._place)

    async def _open(self, offset: int) -> FtpChannel:
        if offset == 0:
            return await self._calls.channel("STOR", self._place)
        start = offset if self._go_on is GoOn.RESTART else 0
        return await self._calls.channel(self._go_on.value, self._place, start)

    async def _drop(self) -> None:
        if self._channel is not None:
            self._channel.drop()
            await self._end()

    async def _end(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await self._calls.ended(channel)
