"""How much room a node has, from what it says and what it refuses.

A node may say that it has room and refuse all the same: another program fills its disk, a quota of
its file system counts differently. What it refuses is believed. It is asked again after a while, or
when it says that it has clearly more room than at the refusal. If it says by now that what it
refused does not fit, its word is as good as before: it only said so late.

It says so every few seconds. What was placed on it meanwhile is subtracted, so that not more is
chosen for it than it has room for.
"""

from typing import Final, NamedTuple

AGAIN: Final = 600.0
"""Seconds after which a node that refused is tried again."""
CLEARLY: Final = 1 << 30
"""So many bytes more than at the refusal are a reason to try at once. A node that had less is tried
when it has twice as much, and at least `RESERVE` more."""
RESERVE: Final = 64 << 20
"""Bytes that are left free."""


class NoRoom(NamedTuple):
    """A node had no room for a content.

    at    steady seconds
    free  what it said that it had
    size  of the content
    """

    at: float
    free: int
    size: int


def has_room(free: int, refusal: NoRoom | None, now: float) -> bool:
    """Whether a node that says `free` may be given more."""
    if free <= RESERVE:
        return False
    if refusal is None or now - refusal.at >= AGAIN:
        return True
    clearly = min(CLEARLY, max(RESERVE, refusal.free))
    return free - refusal.free >= clearly or free - refusal.size < RESERVE


class NodeRoom:
    """The room of one node, by all that is known of it; none before its first word."""

    def __init__(self) -> None:
        self._said = 0
        self._placed = 0
        self._refusal: NoRoom | None = None

    @property
    def free(self) -> int:
        """Bytes for copies: an estimate, and rather too low, until it says it again."""
        return max(0, self._said - self._placed)

    def says(self, free: int) -> None:
        """It says what it has."""
        self._said, self._placed = free, 0

    def took(self, size: int) -> None:
        """So many bytes were placed there since."""
        self._placed += size

    def refused(self, size: int, now: float) -> None:
        """It had no room for so many bytes. It is to be asked just before: what it says counts."""
        self._refusal = NoRoom(now, self._said, size)

    def is_full(self, now: float) -> bool:
        """It has no room, whatever it says. What was placed is not judged: it is an estimate."""
        return not has_room(self._said, self._refusal, now)
