"""Batches: files that are handed over together.

Each file is published with its batch. So a larger file is a batch of its own, and the others wait
for no more than moves in a second.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Generic, TypeVar

from cargo_sync.model.checkpoints import resumable

BATCH_FILES: Final = 2_000
BATCH_BYTES: Final = 256 * 2**20
BATCH_SECONDS: Final = 1.0

T = TypeVar("T")


@dataclass(slots=True)
class _Queued(Generic[T]):
    """Items that came together, and the bytes of each; those before `start` were taken."""

    items: Sequence[T]
    sizes: Sequence[int]
    start: int = 0


class BatchQueue(Generic[T]):
    """Items, taken in batches; smaller items keep their order, and so do larger ones.

    A resumable file is a batch alone, and due at once. A batch of smaller ones is full when it has
    BATCH_FILES items, or with the item that brings it to BATCH_BYTES or to what moves in
    BATCH_SECONDS. A batch that is not full is due BATCH_SECONDS after its first item came.

    Items come and go in sequences, of which a batch has slices: nothing is done for each item.

    steady  gives seconds of the steady clock
    rate    gives the bytes per second that move now
    """

    def __init__(self, steady: Callable[[], float], rate: Callable[[], int]) -> None:
        self._steady = steady
        self._rate = rate
        self._smaller: deque[_Queued[T]] = deque()
        self._large: deque[Sequence[T]] = deque()
        self._count = self._bytes = 0
        """Of the smaller ones."""
        self._since = 0.0

    def __len__(self) -> int:
        return self._count + len(self._large)

    def extend(self, items: Sequence[T], sizes: Sequence[int]) -> None:
        """Adds items with these sizes in bytes."""
        if not self._count:
            self._since = self._steady()
        start = 0
        if resumable(max(sizes, default=0)):
            for index, size in enumerate(sizes):
                if resumable(size):
                    self._add(items[start:index], sizes[start:index])
                    self._large.append(items[index : index + 1])
                    start = index + 1
        self._add(items[start:] if start else items, sizes[start:] if start else sizes)

    def due(self) -> list[Sequence[T]]:
        """The next batch if it is full or has waited long enough; else an empty list."""
        if self._count and (
            self._count >= BATCH_FILES
            or self._bytes >= self._most()
            or self._steady() - self._since >= BATCH_SECONDS
        ):
            return self._take()
        return [self._large.popleft()] if self._large else []

    def rest(self) -> list[Sequence[T]]:
        """The next batch, due or not; an empty list if nothing waits."""
        return self.due() or self._take()

    def _add(self, items: Sequence[T], sizes: Sequence[int]) -> None:
        if items:
            self._smaller.append(_Queued(items, sizes))
            self._count += len(items)
            self._bytes += sum(sizes)

    def _take(self) -> list[Sequence[T]]:
        batch: list[Sequence[T]] = []
        count, size, most = 0, 0, self._most()
        while self._smaller and count < BATCH_FILES and size < most:
            queued = self._smaller[0]
            start = queued.start
            before = list(accumulate(queued.sizes[start : start + BATCH_FILES - count], initial=0))
            some = min(bisect_left(before, most - size), len(before) - 1)
            batch.append(queued.items[start : start + some])
            count, size = count + some, size + before[some]
            queued.start += some
            if queued.start == len(queued.items):
                self._smaller.popleft()
        self._count -= count
        self._bytes -= size
        self._since = self._steady()
        return batch

    def _most(self) -> int:
        return min(BATCH_BYTES, max(1, int(self._rate() * BATCH_SECONDS)))
