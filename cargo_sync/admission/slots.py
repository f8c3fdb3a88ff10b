"""Slots: how many jobs of a daemon move files at the same time.

Of the waiting jobs, the one with the highest priority is next; within one priority, the one that
has waited longest. A job that already moves files is never stopped for another one.
"""

import asyncio
from bisect import insort
from itertools import count
from typing import NamedTuple


class _Waiter(NamedTuple):
    """Sorts in the order of entering. All numbers are different, so the rest is not compared."""

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
        """The names of those that wait, the next one first."""
        return [waiter.name for waiter in self._waiting]

    def resize(self, size: int) -> None:
        """Changes the number of slots. A job that has a slot keeps it."""
        self._size = size
        self._let_in()

    async def enter(self, name: str, priority: int) -> None:
        """Waits for a slot and takes it, until `leave`. May be cancelled at any moment."""
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
                self.leave()  # it got a slot just before it was cancelled
            raise

    def leave(self) -> None:
        """Gives a slot back."""
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        # They have the slot from here on, so that a newcomer cannot take it before they wake up.
        while self._waiting and self._inside < self._size:
            self._inside += 1
            self._waiting.pop(0).entered.set_result(None)
