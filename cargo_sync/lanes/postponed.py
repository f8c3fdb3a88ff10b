"""Batches that the server had no room for, and when the client opens them again."""

import math
from typing import Final

from cargo_sync.machines.retry import doubled

FIRST: Final = 1.0
LONGEST: Final = 15.0
"""Seconds before a refused batch is opened again, at first and at most."""


class Postponed:
    """The batches that wait, in their order. One is tried at a time; times are the lane's clock."""

    def __init__(self) -> None:
        self._batches: dict[int, None] = {}
        self._at = 0.0
        self._tries = 0

    def __len__(self) -> int:
        return len(self._batches)

    def __contains__(self, batch: int) -> bool:
        return batch in self._batches

    def add(self, batch: int, now: float = 0.0) -> None:
        """The server has refused a batch."""
        self._batches[batch] = None
        self._at = now + doubled(self._tries + 1, FIRST, LONGEST)

    def remove(self, batch: int) -> None:
        """A batch was opened after all."""
        self._batches.pop(batch, None)

    def clear(self) -> None:
        self._batches.clear()

    def due(self) -> float:
        """When `next` gives a batch."""
        return self._at if self._batches else math.inf

    def next(self, now: float) -> int | None:
        """The batch to open again now; the others wait for its answer."""
        if now < self.due():
            return None
        batch = next(iter(self._batches))
        del self._batches[batch]
        self._tries += 1
        self._at = math.inf
        return batch

    def room_came(self, now: float) -> None:
        """The server took or committed a batch: there may be room for another one."""
        self._tries = 0
        self._at = now
