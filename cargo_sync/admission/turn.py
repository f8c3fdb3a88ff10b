"""A job's turn to move files: first a slot, then a share of the bandwidth."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from cargo_sync.admission.bandwidth import Share
from cargo_sync.admission.slots import Slots


class Turn:
    """A context in which a job moves files.

    tell     sends the granted rate to the server
    waiting  somebody waits for a slot
    """

    def __init__(
        self,
        name: str,
        priority: int,
        slots: Slots,
        share: Share,
        tell: Callable[[int | None], Awaitable[None]],
    ) -> None:
        self.waiting = False
        self._name = name
        self._priority = priority
        self._slots = slots
        self._share = share
        self._tell = tell

    @property
    def ahead(self) -> int:
        """How many jobs have a slot."""
        return self._slots.inside

    async def __aenter__(self) -> Self:
        self.waiting = True
        try:
            await self._slots.enter(self._name, self._priority)
        finally:
            self.waiting = False
        try:
            self._share.join()
            await self._tell(self._share.rate)
        except BaseException:
            self._give_back()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._give_back()

    def _give_back(self) -> None:
        self._share.leave()
        self._slots.leave()
