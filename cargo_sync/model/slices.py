"""Work in slices: other threads get the lock between two of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

LONG: Final = 160
"""Characters of a path that cost the kernel and the state as much as one more file."""


def path_cost(path: str) -> int:
    """What work on one path costs; 1 for nearly all of them."""
    return 1 + len(path) // LONG


def slices(items: Sequence[T], cost: Callable[[T], int], most: int) -> Iterator[Sequence[T]]:
    """Yields the items in their order, as many together as cost up to `most`; at least one."""
    start, total = 0, 0
    for index, item in enumerate(items):
        this = cost(item)
        if total + this > most and index > start:
            yield items[start:index]
            start, total = index, 0
        total += this
    if items:
        yield items[start:]
