"""Memory for what is on its way to buckets: so many bytes at most, whoever sends."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from cargo_sync.process.buffers import Buffers

MOST: Final = 128 << 20
"""16 parts of 8 MiB, of all lanes together: new memory is dear."""
LEAST: Final = 4
"""Parts that may be taken in any case: those of one lane, however large they are."""
IDLE: Final = 2.0
"""Seconds after which the system has memory back that nobody wants any more."""


class PartMemory:
    """Bytes that may be taken. One event loop uses it; who comes first is served first.

    taken  by so many bytes now

    Args:
        most: bytes that may be taken.
        least: so many may take some, however much it is.
    """

    def __init__(self, most: int = MOST, least: int = LEAST) -> None:
        self._most = most
        self._least = least
        self.taken = 0
        self._takers = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._buffers = Buffers(most)
        self._looks = False

    def buffer(self, size: int) -> memoryview:
        """Memory for what was taken, which another one has had before. What is in it is nothing."""
        if not self._looks:
            self._looks = True
            self._look_later()
        return self._buffers.take(size)

    @asynccontextmanager
    async def taking(self, size: int) -> AsyncIterator[None]:
        """Takes so many bytes while this is entered."""
        if self._waiting or not self._fits(size):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append((size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give(size)
                else:
                    self._waiting.remove((size, turn))
                raise
        else:
            self._take(size)
        try:
            yield
        finally:
            self._give(size)

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(IDLE, self._look)

    def _look(self) -> None:
        self._looks = self._buffers.drop_idle()
        if self._looks:
            self._look_later()

    def _fits(self, size: int) -> bool:
        return self._takers < self._least or self.taken + size <= self._most

    def _take(self, size: int) -> None:
        self.taken += size
        self._takers += 1

    def _give(self, size: int) -> None:
        self.taken -= size
        self._takers -= 1
        while self._waiting and self._fits(self._waiting[0][0]):
            wanted, turn = self._waiting.popleft()
            if not turn.done():
                self._take(wanted)
                turn.set_result(None)
