"""When a job's transfers may move content, and how fast: one turn and one speed for all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from cargo_sync.machines.pacing import TokenBucket, content_rate

SEGMENT: Final = 1448
"""Bytes of content of a full TCP segment: headers count, because they are on the wire."""


class TransferLimits:
    """The turn is entered by the first batch that moves, and left after the last one.

    speed  bits per second, of both directions together; None is no limit
    """

    def __init__(self, turn: AbstractAsyncContextManager[Any], steady: Callable[[], float]) -> None:
        self._turn = turn
        self._steady = steady
        self._bucket = TokenBucket()
        self._changed = asyncio.Event()
        self._entering = asyncio.Lock()
        self._moving = 0
        self.speed: int | None = None

    @property
    def moves(self) -> bool:
        """Whether content moves."""
        return self._moving > 0

    def set_speed(self, bits: int | None) -> None:
        """Changes the speed, also of what waits now."""
        self.speed = bits
        rate = None if bits is None else content_rate(bits, SEGMENT)
        self._bucket.limit(rate, self._steady())
        self._changed.set()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def moving(self) -> AsyncIterator[None]:
        """A context in which a batch moves."""
        async with self._entering:
            if not self._moving:
                await self._turn.__aenter__()
            self._moving += 1
        try:
            yield
        finally:
            self._moving -= 1
            if not self._moving:
                await self._turn.__aexit__(None, None, None)

    async def pace(self, count: int) -> None:
        """Waits until so many bytes of content may move, and counts them."""
        while (wait := self._bucket.ready_at(self._steady()) - self._steady()) > 0:
            changed = self._changed
            try:
                async with asyncio.timeout(wait):
                    await changed.wait()
            except TimeoutError:
                continue
        self._bucket.spend(count, self._steady())
