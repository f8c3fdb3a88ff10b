"""A larger file is read over one connection, or over several if its server is far away.

What one connection has on its way is bounded, and shrinks with each packet that is lost: over a
long line several of them are faster. Over a short one they only cost more, and so they do if it is
the server that takes long for each answer: rclone's hashes the whole file first.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple

from cargo_sync.model.entries import Entry
from cargo_sync.trees.remote.contract import PartsFolder, RemoteContent, RemoteFolder
from cargo_sync.trees.remote.problems import ended_early
from cargo_sync.trees.remote.transfer.memory import ContentRoom

PART: Final = 8 * 2**20
AT_ONCE: Final = 4
"""Parts of one file that are under way at the same time."""
LEAST: Final = AT_ONCE * PART
"""Bytes of a file from which on it is asked for by parts."""
FAR: Final = 0.02
"""Seconds until the first answer to a request comes from a server that is far away,"""
SLOW: Final = 0.7
"""and from one that works so long for it: no line is so long, satellites are 0.6."""
SLICE: Final = 256 * 2**10
"""Bytes of a part that are paced together."""

ReadPart = Callable[[int, int], Awaitable[RemoteContent | None]]


class SpanContent(NamedTuple):
    """The bytes [start, end) of a file come from `content`, which ends by itself at `stop`."""

    content: RemoteContent
    start: int
    end: int
    stop: int


class FileReading:
    """One larger file that is being read.

    Args:
        remote: where it is.
        path, entry: which one it is.
        memory: the room for parts that wait for their turn.
        steady: seconds on a clock that nobody sets.
        is_limited: whether a speed is to be kept: then nothing comes ahead.
    """

    def __init__(
        self,
        remote: RemoteFolder,
        path: str,
        entry: Entry,
        memory: ContentRoom,
        steady: Callable[[], float],
        is_limited: Callable[[], bool],
    ) -> None:
        self._remote = remote
        self._path = path
        self._entry = entry
        self._memory = memory
        self._steady = steady
        self._is_limited = is_limited
        self._is_far = False
        self._first: SpanContent | None = None

    async def begin(self) -> RemoteContent:
        """Opens it from its beginning: what comes with its content is said there.

        Raises:
            ProblemError: CHANGED, VANISHED and others.
        """
        size, began = self._entry.size, self._steady()
        if size >= LEAST and (content := await self._part(0, PART)) is not None:
            self._is_far = FAR <= self._steady() - began < SLOW
            self._first = SpanContent(content, 0, PART, PART)
            return content
        content = await self._remote.read(self._path, self._entry)
        self._first = SpanContent(content, 0, size, size)
        return content

    async def close(self) -> None:
        """Closes what is open of the beginning."""
        if self._first is not None:
            await self._first.content.close()

    async def of(self, start: int, end: int) -> AsyncGenerator[SpanContent]:
        """What is to be read, one after the other, for the bytes [start, end).

        Each content is open until the next one is asked for.
        """
        first = self._first
        assert first is not None, "it has begun"
        if start == 0:
            yield first._replace(end=min(end, first.end))
            start = min(end, first.end)
        await first.content.close()  # more of one file would only be in its way
        if start == end:
            return
        rest = await self._rest(start, end)
        try:
            yield rest
        finally:
            await rest.content.close()

    async def _rest(self, start: int, end: int) -> SpanContent:
        if self._is_far and end - start > PART and not self._is_limited():
            parts = PartsAhead(self._part, self._path, self._memory, self._is_limited, (start, end))
            return SpanContent(parts, start, end, end)
        content = await self._remote.read(self._path, self._entry, start)
        return SpanContent(content, start, end, self._entry.size)

    async def _part(self, start: int, end: int) -> RemoteContent | None:
        """Opens some bytes of it; None if the server gives no parts."""
        if not isinstance(self._remote, PartsFolder):
            return None
        return await self._remote.read_part(self._path, self._entry, start, end)


class PartsAhead:
    """The bytes of a span, in order, while the next parts are under way. See `RemoteContent`."""

    mtime_ns = None
    mode = None

    def __init__(
        self,
        read: ReadPart,
        path: str,
        memory: ContentRoom,
        is_limited: Callable[[], bool],
        span: tuple[int, int],
    ) -> None:
        start, end = span
        self._read = read
        self._path = path
        self._memory = memory
        self._is_limited = is_limited
        self._left = deque((at, min(at + PART, end)) for at in range(start, end, PART))
        self._coming: deque[asyncio.Task[bytearray]] = deque()

    async def __aiter__(self) -> AsyncIterator[memoryview]:
        while self._left or self._coming:
            most = 1 if self._is_limited() else AT_ONCE
            while self._left and len(self._coming) < most:
                self._coming.append(asyncio.create_task(self._part(*self._left.popleft())))
            part = memoryview(await self._coming[0])
            step = SLICE if self._is_limited() else len(part)
            for at in range(0, len(part), step):
                yield part[at : at + step]
            self._coming.popleft()
            self._memory.give(len(part))

    async def close(self) -> None:
        """Ends what is under way."""
        coming, self._coming = self._coming, deque()
        for task in coming:
            task.cancel()
        for ended in await asyncio.gather(*coming, return_exceptions=True):
            if isinstance(ended, bytearray):
                self._memory.give(len(ended))

    async def _part(self, start: int, end: int) -> bytearray:
        count = end - start
        await self._memory.take(count)
        try:
            return await self._whole(start, end)
        except BaseException:
            self._memory.give(count)
            raise

    async def _whole(self, start: int, end: int) -> bytearray:
        content = await self._read(start, end)
        if content is None:
            raise ended_early(self._path)  # it gave parts a moment ago
        part, at = bytearray(end - start), 0
        try:
            async for some in content:
                part[at : at + len(some)] = some
                at += len(some)
        finally:
            await content.close()
        if at != len(part) or len(part) != end - start:
            raise ended_early(self._path)
        return part
