"""Whether tries of a transfer that is cut again and again get any further.

A try begins with what the destination already has of each unfinished file. If that is more than at
the try before, the one before made progress, although it was cut: the next one need not wait long.
"""

from collections.abc import Mapping
from typing import Final

LEAST: Final = 256 * 1024
"""Bytes that must have become durable in one try."""
REMEMBERED: Final = 1_000
"""Files that are remembered, the last ones."""


class TryProgress:
    """What the destination had of the unfinished files of a job when the last tries began."""

    def __init__(self) -> None:
        self._had: dict[str, int] = {}

    def further(self, has: Mapping[str, int]) -> bool:
        """Whether a try begins further on than the one before; remembers where it begins.

        Args:
            has: id of each unfinished file's transfer -> bytes that the destination has.
        """
        gained = sum(max(0, count - self._had.get(id, 0)) for id, count in has.items())
        for id, count in has.items():
            self._had.pop(id, None)
            self._had[id] = count
        for id in list(self._had)[:-REMEMBERED]:
            del self._had[id]
        return gained >= LEAST
