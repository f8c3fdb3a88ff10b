"""The comparison of a served folder with the catalogue: what other programs have changed in it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogued, Change, EntryStat, Gone, Put
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry, EntryColumns
from cargo_sync.model.history import OTHERS, ChangeCause
from cargo_sync.model.problems import Problem
from cargo_sync.server.workspace.folder.suspects import SuspectFiles

PART: Final = 500
"""Names of a folder that are compared while the lock is held."""

Still = Callable[[str, Entry], bool]
"""Whether a file that another program wrote has been unchanged for long enough."""


class Compared(NamedTuple):
    """The result of comparing one folder.

    below      the folders in it
    fresh      those that are new or were replaced: their content is not known yet
    unsettled  whether a file in it is still being written, and was not recorded
    problems   one per name that is not offered
    late       names that are about to be recorded as they came: they are looked at after that
    """

    below: list[str]
    fresh: list[str]
    unsettled: bool
    problems: tuple[Problem, ...] = ()
    late: frozenset[str] = frozenset()


class FolderComparison:
    """The comparison of one folder, part by part; `cause` is that of the differences."""

    def __init__(self, folder: str, still: Still, cause: ChangeCause = OTHERS) -> None:
        self.folder = folder
        self.cause = cause
        self._still = still
        self._below: list[str] = []
        self._fresh: list[str] = []
        self._unsettled = False
        self._problems: list[Problem] = []

    def found(self) -> Compared:
        return Compared(self._below, self._fresh, self._unsettled, tuple(self._problems))

    def same(self, listing: EntryColumns, problems: Sequence[Problem]) -> None:
        """A part of the folder is as recorded."""
        self._problems += problems
        if FOLDER in listing.kinds:
            pairs = zip(listing.names, listing.kinds, strict=True)
            self._below += [paths.join(self.folder, name) for name, kind in pairs if kind == FOLDER]

    def changes(
        self,
        listing: Iterable[Entry],
        problems: Sequence[Problem],
        rows: dict[str, Catalogued],
        put_in_place: Callable[[str, Catalogued | None, Entry], Put],
        suspects: SuspectFiles,
    ) -> list[Change]:
        """What to record of a part of the folder; deletions come last.

        Args:
            listing: what is there.
            problems: of names that are left out.
            rows: of the catalogue.
            put_in_place: makes the change for an entry in the place of a row.
            suspects: those of the workspace.
        """
        self._problems += problems
        changes: list[Change] = []
        for seen in listing:
            path, held = paths.join(self.folder, seen.name), rows.pop(seen.name, None)
            if seen.kind == FOLDER:
                self._below.append(path)
                if held is None or held.entry.kind != FOLDER or held.inode != seen.ident:
                    self._fresh.append(path)
                    changes.append(put(path, seen))
                    continue
            if agree(held, seen):
                continue
            if seen.kind == FILE and not self._still(path, seen):
                self._unsettled = True
                suspects.put_off(held, seen)
                continue
            changes.append(put_in_place(path, held, seen))
        return [*changes, *(Gone(paths.join(self.folder, name)) for name in rows)]


def put(path: str, seen: Entry) -> Put:
    """The change that records `seen`, the folder's own entry, at `path`."""
    return Put(path, seen, seen.version, seen.ident)


def agree(held: Catalogued | None, seen: Entry | None) -> bool:
    """Whether the catalogue's row and the folder's entry describe the same thing."""
    if held is None or seen is None:
        return held is None and seen is None
    entry = held.entry
    if entry.kind != seen.kind or entry.mode != seen.mode:
        return False
    if seen.kind == FOLDER:
        return True
    if seen.kind == LINK:
        return entry.target == seen.target and entry.mtime_ns == seen.mtime_ns
    known = (entry.size, entry.mtime_ns, held.ctime_ns, held.inode)
    return known == (seen.size, seen.mtime_ns, seen.version, seen.ident)


def are_same(held: list[EntryStat], seen: EntryColumns) -> bool:
    """Whether rows and entries of one folder agree, and no folder was replaced by another."""
    names, kinds, sizes, times, modes, versions, idents, _, targets = seen.columns()
    there = list(zip(names, kinds, sizes, times, modes, versions, idents, targets, strict=True))
    return held == there or (len(held) == len(there) and all(map(_is_same, held, there)))


def _is_same(held: EntryStat, seen: EntryStat) -> bool:
    name, kind, size, mtime_ns, mode, ctime_ns, inode, target = held
    if (name, kind, mode) != (seen[0], seen[1], seen[4]):
        return False
    if kind == FOLDER:
        return inode == seen[6]
    if kind == LINK:
        return (target, mtime_ns) == (seen[7], seen[3])
    return (size, mtime_ns, ctime_ns, inode) == (seen[2], seen[3], seen[5], seen[6])
