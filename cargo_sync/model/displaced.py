"""Displaced versions: what was replaced or deleted, by whom, and where it is now."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.path_pattern import PathPattern
from cargo_sync.model.problems import Code, Problem

UNMEASURED: Final = -1


class TrashCause(StrEnum):
    """Why a version was displaced."""

    OVERWRITTEN = "overwritten"
    """Another version, or another kind of entry, took its place."""
    DELETED = "deleted"
    DAMAGED = "damaged"
    """An unclean stop had damaged it; it is fetched again."""
    DELIVERED = "delivered"
    """The job deletes source files once they are delivered."""
    RESTORED = "restored"
    """An earlier version was restored to its place."""
    FOUND = "found"
    """It lay in the trash, and nothing was known about it."""


class TrashState(StrEnum):
    """Where a displaced version is."""

    KEPT = "kept"
    """In the trash, at its `place`."""
    RESTORED = "restored"
    """In the folder again, at `moved_to`."""
    FREED = "freed"
    """Gone: it was old enough, a person emptied the trash, or somebody removed it there."""


class DisplacedVersion(NamedTuple):
    """One displaced file, link or folder; a folder with all that was in it.

    path      where it was, relative to its root
    place     its path in the trash
    kind      as in `Entry`
    size      bytes, of a folder with all that is in it; UNMEASURED until somebody has looked
    hash      BLAKE3 of the content, hex; "" if it is not known
    run       the name of the trash folder: what one run displaces is together
    user      who displaced it on a server; "" for a job's own folder
    """

    path: str
    place: str
    kind: str
    size: int
    hash: str
    mtime_ns: int
    cause: TrashCause
    run: str
    user: str = ""

    @classmethod
    def of(
        cls, entry: Entry, path: str, place: str, cause: TrashCause, user: str = ""
    ) -> "DisplacedVersion":
        """The version that was `entry` at `path`; its run is part of its `place`."""
        kind, mtime = entry.kind, entry.mtime_ns
        size = UNMEASURED if kind == FOLDER else entry.size
        return cls(path, place, kind, size, entry.hash, mtime, cause, run_of(place), user)


class TrashRow(NamedTuple):
    """A row of the ledger.

    time      when it was displaced, or found, unix seconds
    moved_to  where it is, if it was restored
    ended     when it was restored or freed, unix seconds; None while it is kept
    """

    id: int
    version: DisplacedVersion
    time: float
    state: TrashState = TrashState.KEPT
    moved_to: str = ""
    ended: float | None = None


class KeptVersion(NamedTuple):
    """What is needed of a kept version to free it.

    since  when it was displaced, a reading of the retention clock
    """

    id: int
    place: str
    kind: str
    size: int
    since: float


class Restored(NamedTuple):
    """A version that is in the folder again.

    path       where it is now
    displaced  how many versions went to the trash for it
    version    of its row in a server's catalogue; 0 in a job's own folder
    """

    id: int
    path: str
    displaced: int = 0
    version: int = 0


class TrashPage(NamedTuple):
    """A part of a ledger, the newest rows first.

    before  where the next page begins; None at the end
    """

    rows: list[TrashRow]
    before: int | None


class TrashTotals(NamedTuple):
    """How much is kept in a trash; a folder counts as one file."""

    files: int
    bytes: int


class FreedVersions(NamedTuple):
    """What was removed from a trash for good.

    more  there is more of what was asked for
    """

    files: int
    bytes: int
    more: bool = False


@dataclass(frozen=True)
class TrashFilter:
    """Which rows of a ledger are wanted.

    pattern  as in `PathPattern`, for the paths in `under`
    under    a folder: only what was in it, at any depth
    within   a folder: as `under`, but not the folder itself; for who may see nothing else
    run      only what this run displaced; "" for all
    since    only what was displaced at that time or later, unix seconds
    older    only what has been there for so many seconds, by the retention clock
    kept     only what is still in the trash
    """

    pattern: str = ""
    under: str = ""
    run: str = ""
    since: float = 0.0
    older: float = 0.0
    kept: bool = True
    within: str = ""

    def matches(self, path: str) -> bool:
        """Whether the path is one of those that are wanted."""
        if not paths.is_below(path, self.under) or not paths.is_inside(path, self.within):
            return False
        return self._wanted.matches(path[len(self.under) + 1 :] if self.under else path)

    @cached_property
    def _wanted(self) -> PathPattern:
        return PathPattern(self.pattern)


def not_kept(id: int) -> Problem:
    """The problem of a version that is not in the trash."""
    message = f"version {id} is not in the trash"
    hint = "it may have been restored or freed already; look at the list again"
    return Problem(Code.VANISHED, message, hint=hint, retry=False)


def run_of(place: str) -> str:
    """The run's folder in `.cargo_sync/trash/<run>/…`; "" for a trash without such folders."""
    parts = place.split("/", 3)
    return parts[2] if len(parts) == 4 else ""
