"""When a feed sends the last values again, and of which topics. Time is an argument.

A subscription asks for the last values of a prefix. A feed cannot send them to the new subscriber
alone, only to everybody with this prefix. So all that ask within a second share one round, however
many they are and however often they ask; the first one is answered at once.
"""

import math
from typing import Final

APART: Final = 1.0
"""Seconds between the beginnings of two rounds at least."""
MOST_PREFIXES: Final = 100
"""More different prefixes than these in one round count as all topics."""


class Replays:
    """The prefixes that wait for the next round of one socket."""

    def __init__(self) -> None:
        self._waiting: tuple[bytes, ...] = ()
        self._next = -math.inf

    def ask(self, prefix: bytes) -> None:
        """Adds a prefix, unless a shorter one waits already."""
        if prefix.startswith(self._waiting):
            return
        kept = tuple(each for each in self._waiting if not each.startswith(prefix))
        self._waiting = (*kept, prefix) if len(kept) < MOST_PREFIXES else (b"",)

    def due_in(self, now: float) -> float:
        """Seconds until the next round; infinite if nothing waits."""
        return max(0.0, self._next - now) if self._waiting else math.inf

    def begin(self, now: float) -> tuple[bytes, ...]:
        """Begins a round: the prefixes whose topics it replays. The next one waits a second."""
        prefixes, self._waiting, self._next = self._waiting, (), now + APART
        return prefixes
