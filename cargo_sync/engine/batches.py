"""Batches: files that are handed over together.

Each file is published with its batch. So a larger file is a batch of its own, and the others wait
for no more than moves in a second.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import compress, islice
from typing import Final, Generic, TypeVar

from cargo_sync.model.checkpoints import resumable

BATCH_FILES: Final = 2_000
BATCH_BYTES: Final = 256 * 2**20
BATCH_SECONDS: Final = 1.0

T = TypeVar("T")


class BatchQueue(Generic[T]):
    """Items, taken in batches; smaller items keep their order, and so do larger ones.

    A resumable file is a batch alone, and due at once. A batch of smaller ones is full when it has
    BATCH_FILES items, or with the item that brings it to BATCH_BYTES or to what moves in
    BATCH_SECONDS. A batch that is not full is due BATCH_SECONDS after its first item came.

    size    gives the bytes of an item's content
    steady  gives seconds of the steady clock
    rate    gives the bytes per second that move now
    """

    def __init__(
        self, size: Callable[[T], int], steady: Callable[[], float], rate: Callable[[], int]
    ) -> None:
        self._size_of = size
        self._steady = steady
        self._rate = rate
        self._items: deque[T] = deque()
        self._sizes: deque[int] = deque()
        self._large: deque[T] = deque()
        self._bytes = 0
        """Of the smaller ones."""
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._items) + len(self._large)

    def extend(self, items: Sequence[T]) -> int:
        """Adds items; returns their bytes."""
        if not self._items:
            self._since = self._steady()
        sizes = list(map(self._size_of, items))
        total = sum(sizes)
        if resumable(max(sizes, default=0)):
            large = list(map(resumable, sizes))
            self._large.extend(compress(items, large))
            small = [not one for one in large]
            items, sizes = list(compress(items, small)), list(compress(sizes, small))
        self._items.extend(items)
        self._sizes.extend(sizes)
        self._bytes += sum(sizes)
        return total

    def due(self) -> list[T]:
        """The next batch if it is full or has waited long enough; else an empty list."""
        if self._items and (
            len(self._items) >= BATCH_FILES
            or self._bytes >= self._most()
            or self._steady() - self._since >= BATCH_SECONDS
        ):
            return self._smaller()
        return [self._large.popleft()] if self._large else []

    def rest(self) -> list[T]:
        """The next batch, due or not; an empty list if nothing waits."""
        return self.due() or self._smaller()

    def _smaller(self) -> list[T]:
        count, size, most = 0, 0, self._most()
        for one in islice(self._sizes, BATCH_FILES):
            if size >= most:
                break
            count += 1
            size += one
        for _ in range(count):
            self._sizes.popleft()
        self._bytes -= size
        self._since = self._steady()
        return [self._items.popleft() for _ in range(count)]

    def _most(self) -> int:
        return min(BATCH_BYTES, max(1, int(self._rate() * BATCH_SECONDS)))
