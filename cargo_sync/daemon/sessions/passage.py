"""A passage: the far side of one get or put, with a slot and a share of the bandwidth while it
moves."""

from collections.abc import Callable
from typing import Final

from cargo_sync.admission.bandwidth import Share, Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.admission.turn import Turn
from cargo_sync.trees.visit import FarVisited

PRIORITY: Final = 50
"""That of a job whose file says nothing."""


class Passage:
    """One transfer's. `id` is its own, `name` is what those who wait for a slot are called.

    far  takes its turn among the jobs' flows
    """

    def __init__(
        self, id: str, name: str, slots: Slots, shares: Shares, make: Callable[[Turn], FarVisited]
    ) -> None:
        self._own: int | None = None
        self._told: int | None = None
        self._telling = False
        self._share: Share = shares.of(f"session {id}", lambda: self._own)
        self.far = make(Turn(name, PRIORITY, slots, self._share, self._tell))

    @property
    def behind(self) -> bool:
        """Whether what moves may have another rate now than the far side was told, or is being
        told."""
        return self._share.moves and not self._telling and self._share.rate != self._told

    def limit(self, speed: int | None) -> None:
        """From now on it may have so much at most, bits a second; None is no limit."""
        self._own = speed
        self._share.refresh()

    async def ask(self, speed: int | None) -> None:
        """As `limit`, and has what moves now ask for what falls to it. Raises ProblemError."""
        self.limit(speed)
        if self.behind:
            await self._tell(self._share.rate)

    async def _tell(self, bits: int | None) -> None:
        self._telling = True
        try:
            await self.far.set_speed(bits)
            self._told = bits
        finally:
            self._telling = False
