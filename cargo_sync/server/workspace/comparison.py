"""The comparison of a served folder with the catalogue: what other programs have changed in it."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogued, Change, Gone, Put
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry, Listing
from cargo_sync.model.problems import Problem
from cargo_sync.server.workspace.suspects import SuspectFiles

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
    """

    below: list[str]
    fresh: list[str]
    unsettled: bool
    problems: tuple[Problem, ...] = ()


class FolderComparison:
    """The comparison of one folder, part by part."""

    def __init__(self, folder: str, still: Still) -> None:
        self.folder = folder
        self._still = still
        self._below: list[str] = []
        self._fresh: list[str] = []
        self._unsettled = False
        self._problems: list[Problem] = []

    def found(self) -> Compared:
        return Compared(self._below, self._fresh, self._unsettled, tuple(self._problems))

    def changes(
        self,
        listing: Listing,
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


def is_same(held: Catalogued, seen: Entry) -> bool:
    """Whether a row and an entry of one folder agree, and a folder was not replaced by another."""
    same = held.entry.name == seen.name and agree(held, seen)
    return same and (seen.kind != FOLDER or held.inode == seen.ident)
