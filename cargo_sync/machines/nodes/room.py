"""How much room a node has, from what it says and what it refuses.

A node may say that it has room and refuse all the same: another program fills its disk, a quota of
its file system counts differently. What it refuses is believed. It is asked again after a while, or
when it says that it has clearly more room than at the refusal.
"""

from typing import Final, NamedTuple

AGAIN: Final = 600.0
"""Seconds after which a node that refused is tried again."""
CLEARLY: Final = 1 << 30
"""So many bytes more than at the refusal are a reason to try at once."""
RESERVE: Final = 64 << 20
"""Bytes that are left free."""


class NoRoom(NamedTuple):
    """A node had no room for a content.

    at    steady seconds
    free  what it said that it had
    """

    at: float
    free: int


def has_room(free: int, refusal: NoRoom | None, now: float) -> bool:
    """Whether a node that says `free` may be given more."""
    if free <= RESERVE:
        return False
    return refusal is None or now - refusal.at >= AGAIN or free - refusal.free >= CLEARLY
