"""Whether a source file has been still (unchanged) for long enough to be read.

The file's own times decide, if they are plausible. A file whose times are in the future (the clock
of a camera or of another machine) is observed instead: it is still when it looked the same for
`settle` seconds of our own clock. A wrong clock can delay a file. It cannot make a growing file
look complete, because each read is checked again.
"""

from collections.abc import Iterable
from typing import Final

from cargo_sync.model.entries import Entry, EntryColumns

WATCHED: Final = 100_000
LEFT: Final = 3600.0
"""Seconds after which a file may be forgotten to make room for another one."""


class Settling:
    """Remembers files that are being written: at most 100,000, the others wait for their turn."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._seen: dict[str, tuple[Entry, float]] = {}

    def is_still(self, path: str, entry: Entry, wall: float, steady: float) -> bool:
        """True when `entry` may be read.

        Args:
            path: the file, relative to the job's root.
            entry: what the scan saw at `path`.
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

    def are_still(self, entries: EntryColumns, wall: float) -> bool:
        """True when all these may be read; False says nothing: ask for each."""
        latest = max(max(entries.times, default=0), max(entries.versions, default=0))
        return not self._seen and latest / 1e9 <= wall - self._settle

    def forget(self, path: str) -> None:
        """The file at `path` was transferred, or is not wanted any more."""
        self._seen.pop(path, None)

    def forget_all(self, paths: Iterable[str]) -> None:
        """Like `forget`, for many files."""
        if self._seen:
            for path in paths:
                self._seen.pop(path, None)

    def _has_room(self, steady: float) -> bool:
        """Whether one more file can be remembered.

        A new file never replaces a recent one. Otherwise no file of a very large tree would ever
        become still.
        """
        if len(self._seen) < WATCHED:
            return True
        oldest = next(iter(self._seen))
        if steady - self._seen[oldest][1] < LEFT:
            return False
        del self._seen[oldest]
        return True
