"""A passage: the server's side of one get or put, with its slot and its part of the bandwidth."""

import asyncio
from collections.abc import Callable
from typing import Final

from cargo_sync.admission.bandwidth import Share, Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.admission.turn import Turn
from cargo_sync.trees.visit import FarVisited

PRIORITY: Final = 50
"""The default priority of jobs."""


class Passage:
    """The passage of one transfer.

    id    of the passage
    name  what lists of waiting transfers call it
    far   the server's side, which waits for its turn among the jobs
    """

    def __init__(
        self, id: str, name: str, slots: Slots, shares: Shares, make: Callable[[Turn], FarVisited]
    ) -> None:
        self._own: int | None = None
        self._sent: int | None = None
        self._sending = asyncio.Lock()
        self._share: Share = shares.of(f"session {id}", lambda: self._own)
        self.far = make(Turn(name, PRIORITY, slots, self._share, self._send))

    @property
    def behind(self) -> bool:
        """Whether the far side moves content and was not sent its new speed yet."""
        return self._lags and not self._sending.locked()

    def limit(self, speed: int | None) -> None:
        """Sets the limit from now on, bits per second; None is no limit."""
        self._own = speed
        self._share.refresh()

    async def ask(self, speed: int | None) -> int | None:
        """Sets the limit, and asks the server for the new speed, after what it is asked already.

        Returns:
            What the server grants now, bits per second; None: no limit, or nothing moves.

        Raises:
            ProblemError: the server could not be asked.
        """
        self.limit(speed)
        async with self._sending:
            if self._lags:
                return await self._sent_now(self._share.rate)
        return self.far.granted()

    @property
    def _lags(self) -> bool:
        return self._share.moves and self._share.rate != self._sent

    async def _send(self, bits: int | None) -> None:
        async with self._sending:
            await self._sent_now(bits)

    async def _sent_now(self, bits: int | None) -> int | None:
        granted = await self.far.set_speed(bits)
        self._sent = bits
        return granted
