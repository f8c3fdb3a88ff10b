"""Whether a source file has been still long enough to be read.

By the file's own times where they can be believed, else by watching: a file whose times lie in the
future (a camera's clock, another machine's) is still once it looked the same for `settle` seconds
of our own clock. Clocks may delay a file; they never decide that a growing one is done, since a
read is checked again.
"""

from typing import Final

from cargo_sync.model.entries import Entry

WATCHED: Final = 100_000
LEFT: Final = 3600.0
"""Seconds after which a file that nobody asks about any more makes room for another."""


class Settling:
    """Remembers files that are being written. Bounded: beyond 100,000 the rest waits for its
    turn."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._seen: dict[str, tuple[Entry, float]] = {}

    def is_still(self, path: str, entry: Entry, wall: float, steady: float) -> bool:
        """True when `entry` may be read.

        Args:
            wall: unix seconds, to compare with the file's times.
            steady: monotonic seconds, to measure how long it has looked the same.
        """
        touched = max(entry.mtime_ns, entry.version) / 1e9
        if touched <= wall - self._settle:
            self._seen.pop(path, None)
            return True
        known = self._seen.get(path)
        if known is not None and known[0].same_state(entry):
            return steady - known[1] >= self._settle
        self._seen.pop(path, None)
        if self._has_room(steady):
            self._seen[path] = (entry, steady)
        return self._settle <= 0

    def forget(self, path: str) -> None:
        """The file at `path` was taken, or nobody wants it any more."""
        self._seen.pop(path, None)

    def _has_room(self, steady: float) -> bool:
        """Whoever came first is not put out by later ones, or in a larger tree none would ever be
        still."""
        if len(self._seen) < WATCHED:
            return True
        oldest = next(iter(self._seen))
        if steady - self._seen[oldest][1] < LEFT:
            return False
        del self._seen[oldest]
        return True
