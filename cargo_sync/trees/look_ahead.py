"""Look-ahead: one side is read while the other one is being opened.

A login takes a fifth of a second, and a far server's answer takes its time. Until it is there, what
was read waits in memory, up to a limit.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final

from cargo_sync.trees.contract import Observation, Whole

MOST: Final = 8 * 2**20
"""Bytes of listings that wait."""
FRESH: Final = 5.0
"""Seconds for which they are good: a plan of what was there long ago would fail often."""


class LookAhead:
    """Reads with `observe` from now on, until `seen` takes over."""

    def __init__(
        self, observe: Callable[[], AsyncIterator[Observation]], steady: Callable[[], float]
    ) -> None:
        self._observe = observe
        self._steady = steady
        self._began = steady()
        self._source = observe()
        self._found: list[Observation] = []
        self._enough = self._ended = False
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        size = 0
        while not self._enough and size < MOST:
            try:
                seen = await anext(self._source)
            except StopAsyncIteration:
                self._ended = True
                return
            self._found.append(seen)
            size += sum(len(one.listing) for one in seen if isinstance(one, Whole))

    async def seen(self) -> AsyncIterator[Observation]:
        """All that `observe` yields: what was read already, then the rest.

        Raises:
            ProblemError: the side cannot be reached.
        """
        self._enough = True
        await self._task
        if self._steady() - self._began > FRESH:
            await self._close_source()
            self._source, self._found, self._ended = self._observe(), [], False
        while self._found:
            yield self._found.pop(0)
        if not self._ended:
            async for seen in self._source:
                yield seen

    async def close(self) -> None:
        """Stops reading."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._close_source()

    async def _close_source(self) -> None:
        if isinstance(self._source, AsyncGenerator):
            await self._source.aclose()
