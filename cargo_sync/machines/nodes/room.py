"""How much room a node has, from what it says and what it refuses.

A node may say that it has room and refuse all the same: another program fills its disk, a quota of
its file system counts differently. What it refuses is believed. It is asked again after a while, or
when it says that it has clearly more room than at the refusal. If it says by now that what it
refused does not fit, its word is as good as before: it only said so late.
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
