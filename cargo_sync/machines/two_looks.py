"""Whether a file on a server is complete: it looked the same at two looks, `settle` seconds apart.

Some servers show a file while another program writes it there. Only the server's own clock has
touched its time, and that clock may be wrong by hours: so a time that is a day old is believed, and
all others are watched. A file that is read too early is no loss: it changes once more, and is
fetched again.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from cargo_sync.model.entries import FILE, Entry, EntryColumns

WATCHED: Final = 100_000
LEFT: Final = 3600.0
"""Seconds after which a file may be forgotten to make room for another one."""
OLD: Final = 86_400 * 10**9
"""A file of which the server says that it is older, in ns, is not being written now."""


class _Seen(NamedTuple):
    """How a file looked, and since when, in steady seconds."""

    version: int
    size: int
    since: float


class TwoLooks:
    """Remembers files that may be incomplete: at most 100,000, the others wait for their turn."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def is_still(self, path: str, entry: Entry, settle: float, wall: float, steady: float) -> bool:
        """Whether `entry` may be fetched.

        Args:
            path: the file.
            entry: as the server lists it; its version is no time.
            settle: seconds for which it must look the same.
            wall: unix seconds.
            steady: monotonic seconds.
        """
        if settle <= 0 or entry.kind != FILE or _is_old(entry.mtime_ns, wall):
            self._seen.pop(path, None)
            return True
        known = self._seen.get(path)
        if known is not None and known[:2] == (entry.version, entry.size):
            return steady - known.since >= settle
        self._seen.pop(path, None)
        if self._has_room(steady):
            self._seen[path] = _Seen(entry.version, entry.size, steady)
        return False

    def are_still(self, entries: EntryColumns, settle: float, wall: float) -> bool:
        """Whether all these may be fetched; False says nothing: ask for each."""
        return settle <= 0 or (not self._seen and _is_old(max(entries.times, default=0), wall))

    def forget_all(self, paths: Iterable[str]) -> None:
        """These were fetched."""
        if self._seen:
            for path in paths:
                self._seen.pop(path, None)

    def _has_room(self, steady: float) -> bool:
        """As for `Settling`: a new file never replaces a recent one."""
        if len(self._seen) < WATCHED:
            return True
        oldest = next(iter(self._seen))
        if steady - self._seen[oldest].since < LEFT:
            return False
        del self._seen[oldest]
        return True


def _is_old(mtime_ns: int, wall: float) -> bool:
    return 0 < mtime_ns < wall * 1e9 - OLD  # 0: the server did not say it
