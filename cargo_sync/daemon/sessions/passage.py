"""A passage: the server's side of one get or put, with its slot and its part of the bandwidth."""

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
        self._sending = False
        self._share: Share = shares.of(f"session {id}", lambda: self._own)
        self.far = make(Turn(name, PRIORITY, slots, self._share, self._send))

    @property
    def behind(self) -> bool:
        """Whether the far side moves content and was not sent its new speed yet."""
        return self._share.moves and not self._sending and self._share.rate != self._sent

    def limit(self, speed: int | None) -> None:
        """Sets the limit from now on, bits per second; None is no limit."""
        self._own = speed
        self._share.refresh()

    async def ask(self, speed: int | None) -> None:
        """Sets the limit, and asks the server for the new speed. Raises ProblemError."""
        self.limit(speed)
        if self.behind:
            await self._send(self._share.rate)

    async def _send(self, bits: int | None) -> None:
        self._sending = True
        try:
            await self.far.set_speed(bits)
            self._sent = bits
        finally:
            self._sending = False
