"""Slots: so many jobs of a daemon move files at once. Of those that wait the highest priority goes
first, and of one priority who came first; a job that moves files already is never stopped for
another."""

import asyncio
from bisect import insort
from itertools import count
from typing import NamedTuple


class _Waiter(NamedTuple):
    """Sorts as they are let in. No two have one number, so the rest is never compared."""

    after: int
    number: int
    name: str
    entered: asyncio.Future[None]


class Slots:
    """`size` slots, which may be changed while they are in use."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._inside = 0
        self._numbers = count()
        self._waiting: list[_Waiter] = []

    @property
    def inside(self) -> int:
        """How many have a slot."""
        return self._inside

    def waiting(self) -> list[str]:
        """Who waits, in the order in which they are let in."""
        return [waiter.name for waiter in self._waiting]

    def resize(self, size: int) -> None:
        """From now on there are so many. Whoever has one keeps it, also when there are fewer
        now."""
        self._size = size
        self._let_in()

    async def enter(self, name: str, priority: int) -> None:
        """Returns once there is a slot, which is then held until `leave`. May be cancelled at any
        moment."""
        if self._inside < self._size:  # then nobody waits
            self._inside += 1
            return
        entered = asyncio.get_running_loop().create_future()
        waiter = _Waiter(-priority, next(self._numbers), name, entered)
        insort(self._waiting, waiter)
        try:
            await entered
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:
                self.leave()  # it was let in just now, and does not come any more
            raise

    def leave(self) -> None:
        """Gives a slot back."""
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        # The slot is theirs from here on, so that nobody who comes before they wake overtakes them.
        while self._waiting and self._inside < self._size:
            self._inside += 1
            self._waiting.pop(0).entered.set_result(None)
