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


def path_ranges(paths: Sequence[str], most: int) -> Iterator[slice]:
    """The slices of a batch that works on these paths, by `path_cost`.

    Where no path is long, none is looked at by itself.
    """
    if max(map(len, paths), default=0) < LONG:
        yield from (slice(start, start + most) for start in range(0, len(paths), most))
        return
    for some in slices(range(len(paths)), lambda at: path_cost(paths[at]), most):
        yield slice(some[0], some[-1] + 1)
