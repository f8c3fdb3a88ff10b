"""Quotas: how much may be in a workspace, what is too much, and when a person is told.

What is there counts: the bytes of its files, and its files and links; not its folders, and not its
trash. A quota refuses only what makes it more: below today's use, files may still be replaced by
smaller ones, moved and deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

NEAR: Final = 0.9
"""The part of a quota from which on it is nearly used up."""


@dataclass(frozen=True, slots=True)
class Use:
    """What is there, or what comes: bytes of files, and how many files and links."""

    bytes: int = 0
    files: int = 0

    def __add__(self, other: "Use") -> "Use":
        return Use(self.bytes + other.bytes, self.files + other.files)

    def __sub__(self, other: "Use") -> "Use":
        return Use(self.bytes - other.bytes, self.files - other.files)

    def within(self, most: "Use") -> "Use":
        """As much of it as `most` has; nothing of what is less than nothing."""
        return Use(
            max(0, min(self.bytes, most.bytes)),
            max(0, min(self.files, most.files)),
        )


NOTHING_USED: Final = Use()


@dataclass(frozen=True, slots=True)
class Quota:
    """The most that may be there; None for no limit."""

    bytes: int | None = None
    files: int | None = None

    def __bool__(self) -> bool:
        return self.bytes is not None or self.files is not None

    def excess(self, used: Use, growth: Use) -> Use:
        """How much too much it would be; nothing if it fits. What does not grow always fits."""
        return Use(
            _excess(self.bytes, used.bytes, growth.bytes),
            _excess(self.files, used.files, growth.files),
        )

    def share(self, used: Use) -> float | None:
        """The part that is used: 1.0 for all of it, more if it is too much; None for no limit."""
        parts = [
            _share(most, part)
            for most, part in ((self.bytes, used.bytes), (self.files, used.files))
            if most is not None
        ]
        return max(parts, default=None)


NO_QUOTA: Final = Quota()


def _excess(most: int | None, used: int, growth: int) -> int:
    return 0 if most is None or growth <= 0 else max(0, used + growth - most)


def _share(most: int, used: int) -> float:
    return used / most if most else 1.0


@dataclass(frozen=True, slots=True)
class Growth:
    """What some files add to what is there, column by column; less than nothing for a smaller one.

    bytes  what each adds
    files  1 for each that is new, 0 for each that replaces another one
    """

    bytes: Sequence[int]
    files: Sequence[int]

    @property
    def total(self) -> Use:
        return Use(sum(self.bytes), sum(self.files))


@dataclass(frozen=True, slots=True)
class Promised:
    """What of some files may come: how much that is, and by how much each other one is too much."""

    growth: Use
    refused: dict[int, Use]


def promised(quota: Quota, used: Use, growth: Growth) -> Promised:
    """Decides which of some files fit, in their order.

    A file that shrinks gives its room back only when it is there, so that the promise holds
    whatever fails.

    Args:
        quota: the most.
        used: what is there, and what others were promised.
        growth: of the files.
    """
    if min(growth.bytes, default=0) >= 0 and quota.excess(used, total := growth.total) == Use():
        return Promised(total, {})
    refused: dict[int, Use] = {}
    taken = NOTHING_USED
    for index, one in enumerate(map(Use, growth.bytes, growth.files)):
        excess = quota.excess(used + taken, one)
        if excess == NOTHING_USED:
            taken += Use(max(0, one.bytes), max(0, one.files))
        else:
            refused[index] = excess
    return Promised(taken, refused)


class QuotaLevel(IntEnum):
    """How far a quota is used up. A person is told when it rises."""

    BELOW = 0
    NEAR = 1
    REACHED = 2


def level(quota: Quota, used: Use, *, refused: bool = False) -> QuotaLevel:
    """The level of a use; a quota is also reached when something was refused."""
    share = quota.share(used)
    if share is None:
        return QuotaLevel.BELOW
    if share >= 1 or refused:
        return QuotaLevel.REACHED
    return QuotaLevel.NEAR if share >= NEAR else QuotaLevel.BELOW


def settled(told: QuotaLevel, now: QuotaLevel) -> QuotaLevel:
    """The level that counts as told: it falls only when less than NEAR is used.

    So a use that goes up and down at the edge is told once.
    """
    return now if now is QuotaLevel.BELOW else max(told, now)
