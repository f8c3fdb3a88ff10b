"""A file of a service that is being read, piece by piece, the next one while one is used.

OpenDAL reads on no condition that all services have; so the file is looked at before, and after.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cloud.calls import PIECE, CloudCalls


class CloudContent:
    """What is read from `start` on. See `RemoteContent`."""

    mtime_ns = None
    mode = None

    def __init__(self, calls: CloudCalls, path: str, entry: Entry, start: int) -> None:
        self._calls = calls
        self._path = path
        self._entry = entry
        self._at = start

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(self._pieces()) as pieces:
            async for piece in pieces:
                yield piece
        await self._calls.expect(self._path, self._entry)

    async def close(self) -> None:
        """Nothing is open."""

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        coming = self._ask()
        try:
            while coming is not None:
                piece = await coming
                if len(piece) != min(PIECE, self._entry.size - self._at):
                    await self._calls.expect(self._path, self._entry)
                    message = f"the content of {self._path!r} ended early"
                    raise ProblemError(Problem(Code.CUT, message, self._path))
                self._at += len(piece)
                coming = self._ask()
                yield piece
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    def _ask(self) -> asyncio.Task[bytes] | None:
        left = self._entry.size - self._at
        if left <= 0:
            return None
        reading = self._calls.read(self._path, self._at, min(PIECE, left))
        return asyncio.create_task(reading)
