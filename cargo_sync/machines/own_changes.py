"""Own changes: which changes of a server a client made itself, so that it need not read them again.

A client that has uploaded files knows their versions from the receipts. At its next look the server
leaves these out, and the client takes what both sides agreed on instead. A file that somebody else
has changed since then has a newer version, so the server tells of it.

What it has renamed it has stored as renamed, so only the places of its renames in the feed matter:
these rows are left out, and nothing is taken instead.

Little is kept: ranges of versions, and the folders in which they are. If that is too much, nothing
is left out that is not kept, and the client reads it again.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

RANGES: Final = 256
"""The most ranges: they travel in a URL. With more, the smallest are dropped."""
RENAMES: Final = 64
"""Of these, the most of renames."""
FOLDERS: Final = 10_000
"""The most folders; with more, nothing is left out."""

VersionRange = tuple[int, int]
"""The first and the last version of a range."""


class OwnChanges(NamedTuple):
    """Changes that a client made.

    ranges   of their versions, in order, apart from each other
    folders  in which they are
    lineage  of these versions on the server
    renamed  the places of renames in the feed, likewise
    """

    ranges: Sequence[VersionRange] = ()
    folders: Sequence[str] = ()
    lineage: str = ""
    renamed: Sequence[VersionRange] = ()

    @property
    def left_out(self) -> Sequence[VersionRange]:
        """What the server need not tell, in order."""
        return _merged([*self.ranges, *self.renamed]) if self.renamed else self.ranges

    @property
    def newest(self) -> int:
        """The newest version or place; 0 for none."""
        return max((last for _, last in (*self.ranges[-1:], *self.renamed[-1:])), default=0)

    @property
    def versions(self) -> int:
        """How many versions they are."""
        return sum(last - first + 1 for first, last in self.ranges)


NO_CHANGES: Final = OwnChanges()


class OwnLog:
    """Collects own changes, from one look to the next."""

    def __init__(self) -> None:
        self._ranges: list[VersionRange] = []
        self._renamed: list[VersionRange] = []
        self._folders: dict[str, None] = {}
        self._lineage = ""

    def add(self, versions: Iterable[int], folders: Iterable[str], lineage: str) -> None:
        """Adds changes that are recorded on both sides.

        Args:
            versions: that the server gave them.
            folders: in which they are.
            lineage: of these versions; with "", or another one than before, those before are
                dropped.
        """
        if not self._is_of(lineage):
            return
        self._folders |= dict.fromkeys(folders)
        ranges = _merged([*self._ranges, *_runs(sorted(set(versions)))])
        self._ranges = _widest(ranges, RANGES - len(self._renamed))
        if len(self._folders) > FOLDERS:
            self._folders.clear()
            self._ranges.clear()

    def add_renames(self, places: Iterable[VersionRange], lineage: str) -> None:
        """Adds the places of renames in the feed, which are stored on this side.

        Args:
            places: that the server gave them.
            lineage: as for `add`.
        """
        if self._is_of(lineage):
            self._renamed = _widest(_merged([*self._renamed, *places]), RENAMES)
            self._ranges = _widest(self._ranges, RANGES - len(self._renamed))

    def _is_of(self, lineage: str) -> bool:
        """Whether changes can be added; those of another lineage are dropped."""
        if lineage != self._lineage:
            self.clear()
            self._lineage = lineage
        return bool(lineage)

    def changes(self) -> OwnChanges:
        """What was added since `clear`, as far as it was kept."""
        if not self._ranges and not self._renamed:
            return NO_CHANGES
        folders = tuple(self._folders) if self._ranges else ()
        return OwnChanges(tuple(self._ranges), folders, self._lineage, tuple(self._renamed))

    def clear(self) -> None:
        """Begins anew."""
        self._ranges, self._folders, self._lineage, self._renamed = [], {}, "", []


def gaps(since: int, ranges: Sequence[VersionRange]) -> list[VersionRange]:
    """The versions after `since` that are in no range: (above, below) pairs, the last one open.

    Its `below` is larger than every version.
    """
    found = []
    for first, last in ranges:
        if first > since + 1:
            found.append((since, first))
        since = max(since, last)
    return [*found, (since, 2**63 - 1)]


def _widest(ranges: list[VersionRange], most: int) -> list[VersionRange]:
    if len(ranges) <= most:
        return ranges
    return sorted(sorted(ranges, key=_size, reverse=True)[:most])


def _size(one: VersionRange) -> int:
    return one[1] - one[0]


def _runs(versions: Sequence[int]) -> list[VersionRange]:
    """The ranges of distinct versions, which are in order."""
    if not versions:
        return []
    if versions[-1] - versions[0] == len(versions) - 1:
        return [(versions[0], versions[-1])]
    return _merged([(version, version) for version in versions])


def _merged(ranges: list[VersionRange]) -> list[VersionRange]:
    """The same versions, in order; ranges that touch or overlap become one."""
    merged: list[VersionRange] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged
