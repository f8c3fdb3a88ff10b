"""The three trees of a job: each side as last seen, and the agreed one; one row per folder.

A folder is *settled* when it was planned and nothing was left to do; any change to one of its
listings unsettles it. So a pass over a tree without changes costs one comparison of bytes per
folder. A large folder has several rows (`parts`).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from cargo_sync.machines.own_changes import OwnChanges
from cargo_sync.model import paths
from cargo_sync.model.agreed import GONE, Agreed, AgreedColumns, Base
from cargo_sync.model.entries import FOLDER, Entry, EntryColumns, Listing, PlacedEntries
from cargo_sync.model.events import Event, MovedFiles
from cargo_sync.model.problems import Problem
from cargo_sync.state import forgetting, moved_folders, own_changes, parts
from cargo_sync.state import idents as base_idents
from cargo_sync.state.database import Database
from cargo_sync.state.deltas import BASE, FAR, NEAR, ColumnDeltas
from cargo_sync.state.events import Events
from cargo_sync.state.forgetting import Untrue
from cargo_sync.state.left_out import LeftOut
from cargo_sync.state.listed import ListedLimit
from cargo_sync.state.moved_folders import RenamedEntry, Side
from cargo_sync.state.observations import FAR_SEEN, NEAR_SEEN, Observed, observe
from cargo_sync.state.ranges import at_or_below
from cargo_sync.state.transfers import Transfers
from cargo_sync.state.uncertain_uploads import UncertainUploads

_PAGE = 200
_LISTINGS = 2**19
"""Bytes of listings after which a page ends: they need ten times as much once they are decoded, and
the event loop plans a page at a time, while commands wait."""


class FolderState(NamedTuple):
    """One folder in the three trees, or a part of a large one.

    listings    what was last seen, near and far, encoded; None when it was never seen or is gone:
                the parent's listing says which
    agreements  encoded; None for nothing
    revision    of the row, for `settle`
    first       the first name of the part; "" for the first one
    """

    path: str
    listings: tuple[bytes | None, bytes | None]
    agreements: bytes | None
    revision: int
    first: str = ""

    @property
    def sides(self) -> tuple[EntryColumns | None, EntryColumns | None]:
        """Near and far, decoded."""
        near, far = self.listings
        return (
            None if near is None else EntryColumns.decode(near),
            None if far is None else EntryColumns.decode(far),
        )

    @property
    def agreed(self) -> AgreedColumns | None:
        """Base, decoded."""
        return None if self.agreements is None else AgreedColumns.decode(self.agreements)

    @property
    def near(self) -> Listing | None:
        near = self.sides[0]
        return None if near is None else near.listing()

    @property
    def far(self) -> Listing | None:
        far = self.sides[1]
        return None if far is None else far.listing()

    @property
    def base(self) -> Base | None:
        return None if (agreed := self.agreed) is None else agreed.base()

    @property
    def key(self) -> bytes:
        """Of its row."""
        return parts.key_of(self.path, self.first)


_STATES = "SELECT path, near, far, base, revision FROM folder"
_PART = f"{_STATES} WHERE job = ? AND path >= ? AND path < ? ORDER BY path DESC LIMIT 1"
_RANGE = f"{_STATES} WHERE job = ? AND path >= ? AND path < ? ORDER BY path LIMIT ?"
# Without statistics SQLite would walk all folders in the order of their key.
_UNSETTLED = f"""{_STATES} INDEXED BY folder_unsettled
WHERE job = ? AND path >= ? AND path < ? AND settled = 0 ORDER BY path LIMIT ?"""
_UNSETTLED_PATHS = """SELECT path FROM folder INDEXED BY folder_unsettled
WHERE job = ? AND settled = 0 LIMIT ?"""

_SETTLE = """
UPDATE folder SET settled = 1, drifted = CASE WHEN drifted < 0 THEN drifted ELSE -1 - drifted END
WHERE job = ? AND path = ? AND revision = ?"""
_COUNTED = "UPDATE folder SET drifted = ? WHERE job = ? AND path = ? AND revision = ?"
_UNCOUNTED = f"""{_STATES} INDEXED BY folder_drifted
WHERE job = ? AND drifted != 0 AND drifted < 0 AND settled = 1 LIMIT ?"""
_DRIFTED = """
SELECT coalesce(sum(CASE WHEN drifted < 0 THEN -1 - drifted ELSE drifted END), 0)
FROM folder INDEXED BY folder_drifted WHERE job = ? AND drifted != 0"""


class Folders:
    """The trees of one job, in component order everywhere. Every method is one transaction.

    uncertain  what the far side may have got, until something is agreed on at its path
    """

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job
        self._events = Events(database)
        self._listed = ListedLimit(database.path, job)
        self._transfers = Transfers(database)
        self.uncertain = UncertainUploads(database, job)

    def observe_near(self, seen: Sequence[Observed]) -> None:
        """Stores listings of the local side.

        An unchanged listing writes nothing. A folder that disappears from its parent's listing is
        gone with everything below it.

        Raises:
            ProblemError: `bad_path`; nothing of the call was written.
        """
        with self._database.transaction() as connection:
            observe(connection, self._job, NEAR_SEEN, seen)

    def look_near(self, seen: Sequence[Observed]) -> set[str]:
        """Stores listings of some folders of the local side, as `observe_near`.

        Args:
            seen: whole folders, or parts of large ones.

        Returns:
            The folders in them that are new, or were replaced: what is in these is not known.
        """
        fresh: set[str] = set()
        with self._database.transaction() as connection:
            observe(connection, self._job, NEAR_SEEN, seen, fresh)
        return fresh

    def gone_near(self, some: Sequence[str]) -> set[str]:
        """Stores that these folders of the local side are not there.

        Returns:
            Those that the folder above them still has: of them nothing is stored, because what was
            seen of the two does not fit together.
        """
        listed: set[str] = set()
        with self._database.transaction() as connection:
            for above, group in groupby(sorted(some, key=paths.parent), paths.parent):
                gone = {paths.name(path): path for path in group}
                for state in self.parts(above, gone):
                    names = (entry.name for entry in state.near or () if entry.kind == FOLDER)
                    listed |= {gone[name] for name in names if name in gone}
                for path in set(gone.values()) - listed:
                    connection.execute(NEAR_SEEN.clear, (self._job, *at_or_below(path)))
        return listed

    def observe_far_whole(self, seen: Sequence[Observed]) -> None:
        """Like `observe_near`, for a far side that lists whole folders.

        Raises:
            ProblemError: `bad_path`, `too_large`; nothing of the call was written.
        """
        with self._database.transaction() as connection:
            self._listed.admit(connection, sum(one.entries for one in seen))
            observe(connection, self._job, FAR_SEEN, seen)

    def observe_far(
        self,
        changes: Sequence[tuple[str, Entry | None]],
        refused: Sequence[tuple[str, Problem | None]] = (),
    ) -> list[Problem]:
        """Stores changes of the far side, oldest first: the entry that is now at a path, or None.

        A folder that is gone takes everything below it along. Known facts write nothing.

        Args:
            changes: of paths that can be used.
            refused: of the others, with the reason.

        Returns:
            Why names of the far side are left out now, from this call and earlier ones.

        Raises:
            ProblemError: `bad_path`, `too_large`; nothing of the call was written.
        """
        with self._database.transaction() as connection:
            self._listed.admit(connection, len(changes))
            far = ColumnDeltas(connection, self._job, FAR)
            if isinstance(changes, PlacedEntries) and paths.are_usable(changes.paths):
                far.put_entries(changes)
            else:
                _change(far, changes)
            far.write(cut=True)
            left_out = LeftOut(connection, self._job)
            left_out.forget([path for path, entry in changes if entry is None])
            left_out.note(refused)
            return left_out.problems()

    def renamed(self, *, near: bool, before: str, now: str, entry: Entry) -> None:
        """Stores that the job itself has renamed an entry, in folders that were seen before.

        Args:
            near: on the local side; else on the far one.
            before: its path until now.
            now: its path, which was free.
            entry: as it is there now.
        """
        with self._database.transaction() as connection:
            side = ColumnDeltas(connection, self._job, NEAR if near else FAR)
            side.drop(before)
            side.put(now, entry)
            side.write()

    def adopt(self, own: OwnChanges) -> bool:
        """Stores what the job itself has changed on the far side as seen there.

        Several transactions; each alone is harmless.

        Returns:
            Whether all of it was found among the agreements. If not, the far side must be asked.
        """
        return own_changes.adopt(self._database, self._job, own)

    def agree(
        self,
        changes: Sequence[tuple[str, Agreed | None]],
        events: Sequence[Event] = (),
        *,
        done: Sequence[str] = (),
        failed: Sequence[str] = (),
    ) -> int:
        """Stores what both sides now hold, or None for no agreement, together with the events.

        Dropping the agreement about a folder drops those of everything below it. The folders are
        unsettled: the next pass over them finds whether something is left to do.

        Args:
            changes: by path, what is agreed.
            events: of these changes.
            done: paths of transfers that are committed.
            failed: paths of transfers that failed.

        Returns:
            The cursor of the newest event.
        """
        with self._database.transaction() as connection:
            base = ColumnDeltas(connection, self._job, BASE)
            for path, agreement in changes:
                if agreement is None:
                    base.drop(path)
                else:
                    base.put(path, agreement)
            base.write()
            self._transfers.ended(self._job, done, failed)
            self.uncertain.end([path for path, _ in changes])
            return self._events.append(events)

    def note_gone(self, some: Sequence[str], *, near: bool) -> None:
        """Stores that one side has no more what was agreed to be at these paths.

        To be called before the other side follows: see `model.agreed.GONE`.
        """
        with self._database.transaction() as connection:
            base = ColumnDeltas(connection, self._job, BASE)
            for path in some:
                base.assign(path, "near_version" if near else "far_version", GONE)
            base.write()

    def agree_moved(
        self, agreed: AgreedColumns, files: MovedFiles, events: Sequence[Event] = ()
    ) -> int:
        """Like `agree`, for files that were moved together.

        Args:
            agreed: what is agreed about each.
            files: their events.
            events: what else happened; their rows come after those of the files.

        Returns:
            The cursor of the newest event.
        """
        with self._database.transaction() as connection:
            base = ColumnDeltas(connection, self._job, BASE)
            base.put_files(files.paths, agreed)
            base.write()
            self._transfers.ended(self._job, files.paths, ())
            self.uncertain.end(files.paths)
            cursor = self._events.append_moved(files)
            return self._events.append(events) if events else cursor

    def follow(self, some: Sequence[RenamedEntry], side: Side, events: Sequence[Event] = ()) -> int:
        """Stores renames that were done at the destination, in their order.

        What is below a folder is moved before, in transactions of its own.

        Args:
            some: the renames: files, or one folder (`moved_folders.in_turn`).
            side: the destination.
            events: of these renames.

        Returns:
            The cursor of the newest event.
        """
        first = some[0]
        source, target = paths.key(first.source), paths.key(first.path)
        if first.has_folder and not first.exchanged:
            moved_folders.move(self._database, self._job, side, source, target)
        with self._database.transaction() as connection:
            if first.has_folder and first.exchanged:
                moved_folders.exchange(connection, self._job, side, source, target)
            moved_folders.write_names(connection, self._job, side, some)
            return self._events.append(events)

    def moved_on(self, source: str, path: str, agreed: Agreed) -> None:
        """Stores that what was agreed on at `source`, and below it, is agreed on at `path`.

        Args:
            source: the path until now.
            path: the path of the same entry on one side.
            agreed: what is agreed about it there.
        """
        if agreed.kind == FOLDER:
            keys = paths.key(source), paths.key(path)
            moved_folders.move(self._database, self._job, None, *keys)
        self.agree([(source, None), (path, agreed)])

    def places(self, idents: Sequence[int], *, near: bool) -> dict[int, list[str]]:
        """Where these idents of one side were agreed to be; it may be out of date.

        Only folders and files that are worth to be moved are known (`plan.moves.is_worth_it`).
        """
        with self._database.read() as connection:
            return base_idents.places(connection, self._job, idents, near=near)

    def idents_at(self, some: Sequence[str], *, near: bool) -> dict[str, int]:
        """The idents of one side that were agreed to be at these paths, if they are known."""
        with self._database.read() as connection:
            return base_idents.idents_at(connection, self._job, some, near=near)

    def knows_idents(self) -> bool:
        """Whether anything is known that may have been renamed."""
        with self._database.read() as connection:
            return base_idents.has_any(connection, self._job)

    def unsettled(self, after: bytes | None, end: bytes | None, limit: int) -> list[FolderState]:
        """Up to `limit` unsettled folders or parts, in order; fewer if their listings are long.

        Their keys are above `after` and below `end` (see `parts`); None leaves that end open.
        """
        low = b"" if after is None else after + b"\0"
        high = b"\xff" if end is None else end
        return self._states(_UNSETTLED, (self._job, low, high, limit))

    def unsettled_paths(self, limit: int) -> list[str] | None:
        """The paths of all unsettled folders; None if these have more than `limit` rows."""
        with self._database.read() as connection:
            rows = connection.execute(_UNSETTLED_PATHS, (self._job, limit + 1)).fetchall()
        if len(rows) > limit:
            return None
        return list({parts.from_key(row[0])[0]: None for row in rows})

    def settle(self, states: Sequence[FolderState]) -> None:
        """Marks folders as settled, except those that changed since they were read.

        A folder about which no tree knows anything is dropped, and so is a part without names.
        What drifted in the others is to be counted again.
        """
        with self._database.transaction() as connection:
            for state in states:
                row = (self._job, state.key, state.revision)
                trees = {*state.listings, state.agreements}
                if trees == {None} or (state.first and trees <= {None, b"[]"}):
                    connection.execute(
                        "DELETE FROM folder WHERE job = ? AND path = ? AND revision = ?", row
                    )
                else:
                    connection.execute(_SETTLE, row)

    def forget(self) -> bool:
        """Writes some of the rows that have what the job's row notes as not true (JobRows).

        The trees must not be used while it returns True: there may be more rows.
        """
        return forgetting.forget(self._database, self._job)

    def counts(self) -> tuple[int, int]:
        """(files, bytes) in base: sums of counts that are kept beside each folder's base."""
        with self._database.read() as connection:
            if forgetting.noted(connection, self._job)[0] is Untrue.BASE:
                return 0, 0
            files, size = connection.execute(
                "SELECT coalesce(sum(files), 0), coalesce(sum(bytes), 0) FROM folder "
                "INDEXED BY folder_counts WHERE job = ? AND files > 0",
                (self._job,),
            ).fetchone()
        return files, size

    def count_drift(self, drifted: Callable[[FolderState], int], limit: int = _PAGE) -> bool:
        """Counts what drifted in settled folders in which it is to be counted, up to `limit`.

        Args:
            drifted: counts the delivered files that the destination does not have as they were
                delivered.
            limit: of folders.

        Returns:
            Whether there may be more.
        """
        states = self._states(_UNCOUNTED, (self._job, limit))
        if not states:
            return False
        with self._database.transaction() as connection:
            for state in states:
                row = (drifted(state), self._job, state.key, state.revision)
                connection.execute(_COUNTED, row)
        return True

    def drifted(self) -> int:
        """How many delivered files the destination does not have as they were delivered.

        It is a sum of counts that are kept beside each folder.
        """
        with self._database.read() as connection:
            if forgetting.noted(connection, self._job)[0] is Untrue.BASE:
                return 0
            return int(connection.execute(_DRIFTED, (self._job,)).fetchone()[0])

    def parts(self, folder: str, names: Iterable[str]) -> Iterator[FolderState]:
        """The parts of a folder in which these names are."""
        with self._database.read() as connection:
            firsts = ["", *parts.firsts(connection, self._job, folder)]
        for first in sorted({firsts[bisect_right(firsts, name) - 1] for name in names}):
            if (state := self.part(folder, first)) is not None:
                yield state

    def part(self, folder: str, name: str) -> FolderState | None:
        """The part of a folder in which `name` is or would be; None if there is none."""
        end = parts.key_of(folder, name) + b"\0"
        states = self._states(_PART, (self._job, parts.key_of(folder), end))
        return states[0] if states else None

    def entry(self, path: str) -> tuple[Entry | None, Entry | None, Agreed | None]:
        """(near, far, base) of one path."""
        name = paths.name(path)
        if (state := self.part(paths.parent(path), name)) is None:
            return None, None, None
        return (
            next((entry for entry in state.near or () if entry.name == name), None),
            next((entry for entry in state.far or () if entry.name == name), None),
            next((agreement for agreement in state.base or () if agreement.name == name), None),
        )

    def below(self, folder: str) -> Iterator[FolderState]:
        """`folder` and every folder below it, settled or not; each page shows its own moment."""
        low, high = at_or_below(folder)
        while True:
            page = self._states(_RANGE, (self._job, low, high, _PAGE))
            if not page:
                return
            yield from page
            low = page[-1].key + b"\0"

    def _states(self, sql: str, parameters: tuple[object, ...]) -> list[FolderState]:
        """Folders, as they are found; fewer once their listings have `_LISTINGS` bytes together."""
        states = []
        size = 0
        with self._database.read() as connection:
            for key, near, far, base, revision in connection.execute(sql, parameters):
                folder, first = parts.from_key(key)
                states.append(FolderState(folder, (near, far), base, revision, first))
                size += sum(len(listing) for listing in (near, far, base) if listing)
                if size > _LISTINGS:
                    break
        return states


def _change(far: ColumnDeltas, changes: Sequence[tuple[str, Entry | None]]) -> None:
    """Makes changes of the far side, one by one."""
    usable = paths.are_usable([path for path, _ in changes])
    for path, entry in changes:
        if not usable:
            paths.check(path, reserved=entry is None)
        if entry is None:
            far.drop(path)
        else:
            far.put(path, entry)
