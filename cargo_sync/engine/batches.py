"""Batches: files that are handed over together.

Their size is limited so that neither small nor large files take long until they are committed.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

BATCH_FILES: Final = 2_000
BATCH_BYTES: Final = 256 * 2**20
BATCH_SECONDS: Final = 1.0

T = TypeVar("T")


class BatchQueue(Generic[T]):
    """Items in their order, taken in batches.

    A batch is full when it has BATCH_FILES items, or with the item that brings it to BATCH_BYTES.
    A batch that is not full is due BATCH_SECONDS after its first item came.

    size    gives the bytes of an item's content
    steady  gives seconds of the steady clock
    """

    def __init__(self, size: Callable[[T], int], steady: Callable[[], float]) -> None:
        self._size_of = size
        self._steady = steady
        self._items: deque[T] = deque()
        self._bytes = 0
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._items)

    def extend(self, items: Sequence[T]) -> None:
        if not self._items:
            self._since = self._steady()
        self._items.extend(items)
        self._bytes += sum(map(self._size_of, items))

    def due(self) -> list[T]:
        """The next batch if it is full or has waited long enough; else an empty list."""
        full = len(self._items) >= BATCH_FILES or self._bytes >= BATCH_BYTES
        if full or (self._items and self._steady() - self._since >= BATCH_SECONDS):
            return self.rest()
        return []

    def rest(self) -> list[T]:
        """The next batch, due or not; an empty list if nothing waits."""
        batch: list[T] = []
        size = 0
        while self._items and len(batch) < BATCH_FILES and size < BATCH_BYTES:
            item = self._items.popleft()
            batch.append(item)
            size += self._size_of(item)
        self._bytes -= size
        self._since = self._steady()
        return batch
