"""Snapshots of a server's state on its nodes: their numbers, and which of them stay.

A number has two parts: how often the server was recovered, and how many snapshots it has made
since. So what a recovered server makes is newer than all that the lost one has made, also if the
newest of these lie on a node that could not be asked.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

RECENT: Final = 24
"""So many of the newest stay,"""
DAYS: Final = 7
"""and of those before them the newest one of each of so many days."""
DAY: Final = 86_400.0
_COUNT_BITS: Final = 32


class MadeSnapshot(NamedTuple):
    """A snapshot.

    number  the greatest is the newest
    made    unix seconds, by the clock of the server: only to show, and for `superseded`
    """

    number: int
    made: float


def numbered(generation: int, count: int) -> int:
    """The number of the snapshot `count` of a server that was recovered `generation` times."""
    return generation << _COUNT_BITS | count


def generation_after(number: int) -> int:
    """The generation of a server that is recovered when `number` is the greatest that is known."""
    return (number >> _COUNT_BITS) + 1


def superseded(some: Collection[MadeSnapshot]) -> set[int]:
    """The numbers of those that may go."""
    ordered = sorted(some, reverse=True)
    older = ordered[RECENT:]
    days = dict[int, int]()
    for one in older:
        days.setdefault(int(one.made // DAY), one.number)
    stay = set(list(days.values())[:DAYS])
    return {one.number for one in older} - stay
