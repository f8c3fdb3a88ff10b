"""How much content is in memory at once: readers wait for room, in the order of asking."""

import asyncio
from collections import deque
from typing import Final

ROOM: Final = 64 * 2**20


class ContentRoom:
    """Room for so many bytes. What is larger than all of it takes all of it."""

    def __init__(self, most: int = ROOM) -> None:
        self._most = most
        self._free = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, count: int) -> None:
        """Waits for room for so many bytes, which must be given back."""
        count = min(count, self._most)
        if not self._waiting and count <= self._free:
            self._free -= count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(count)
            else:
                self._waiting.remove((count, turn))
                self._serve()
            raise

    def give(self, count: int) -> None:
        """Gives back what was taken."""
        self._free += min(count, self._most)
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            count, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= count
                turn.set_result(None)
