"""The catalogue in a server's state, in SQLite or PostgreSQL: one row for each path."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import (
    Catalogued,
    CataloguedFile,
    CatalogueExchange,
    CatalogueMove,
    Change,
    ChangesPage,
    EntryStat,
    Finished,
    Gone,
    Put,
    PutColumns,
    Recorded,
    WorkspaceRecord,
)
from cargo_sync.catalogue.looking import LookedUp, forget, look, look_further, note, noted
from cargo_sync.catalogue.recording import Recording, close
from cargo_sync.catalogue.rows import (
    CHANGED,
    FEED,
    SELECT,
    Row,
    fed_of,
    file_of,
    file_of_row,
    files_at,
    held_of,
    stat_of,
)
from cargo_sync.catalogue.telling import Telling
from cargo_sync.catalogue.unfinished import (
    Unfinished,
    is_hidden,
    listed,
    rows_at,
    stats,
    unfinished,
    write_part,
)
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.machines.own_changes import VersionRange, gaps
from cargo_sync.machines.quota import NOTHING_USED, Use
from cargo_sync.machines.suspects import LATELY, Suspects, UncleanStop, suspects_of
from cargo_sync.model import paths
from cargo_sync.model.entries import Entry, PlacedEntries
from cargo_sync.model.history import OTHERS, ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state import workspace_moves
from cargo_sync.state.bulk import put
from cargo_sync.state.clock import OWN as CLOCK
from cargo_sync.state.database import Database, Statements, TakesLists
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.ranges import below
from cargo_sync.state.suspects import decode, encode

_WORKSPACE: Final = """
SELECT id, root, marker, epoch, sequence, floor,
    EXISTS (SELECT 1 FROM unfinished WHERE workspace = workspace.id) FROM workspace WHERE id = ?
"""

_BEGIN: Final = put("lineage", "workspace, first", "token")
_NEWEST_LINEAGE: Final = """
SELECT token, first FROM lineage WHERE workspace = ? ORDER BY first DESC LIMIT 1
"""
_USE: Final = "SELECT bytes, files FROM workspace WHERE id = ?"

_CHANGES: Final = f"""{FEED} INDEXED BY entry_changed
WHERE workspace = ? AND changed > ? AND changed < ? AND path >= ? AND path < ?
ORDER BY changed LIMIT ?"""


_MARK: Final = """
INSERT INTO mark SELECT id, sequence, ?1 FROM workspace WHERE sequence > floor
    AND NOT EXISTS (SELECT 1 FROM mark WHERE workspace = workspace.id AND time > ?1 - ?2)
    ON CONFLICT DO NOTHING
"""

_THIN: Final = """
DELETE FROM mark WHERE time < ?1 AND CAST(time / 86400 AS INTEGER) = (
    SELECT CAST(time / 86400 AS INTEGER) FROM mark AS earlier
    WHERE workspace = mark.workspace AND sequence < mark.sequence
    ORDER BY sequence DESC LIMIT 1)
"""

# Without a mark that is old enough, everything since the first one is recent.
_MARKED: Final = """
SELECT id, suspects, coalesce(
    (SELECT max(sequence) FROM mark WHERE workspace = workspace.id AND time <= ?),
    (SELECT min(sequence) FROM mark WHERE workspace = workspace.id), floor) FROM workspace
"""

_LATELY: Final = f"""{SELECT} INDEXED BY entry_changed
WHERE workspace = ? AND changed > ? AND changed <= ? AND deleted = 0 AND kind = 'f'
AND ctime_ns >= ? ORDER BY changed LIMIT ?"""

_RAISE: Final = """
UPDATE workspace SET floor =
    (SELECT max(sequence) FROM mark WHERE workspace = workspace.id AND time < ?1)
WHERE EXISTS (SELECT 1 FROM mark WHERE workspace = workspace.id AND time < ?1 AND sequence > floor)
"""

_FORGET: Final = """
DELETE FROM entry WHERE workspace = ?1 AND path IN (
    SELECT path FROM entry INDEXED BY entry_gone
    WHERE workspace = ?1 AND version <= ?2 AND deleted = 1 LIMIT ?3)
"""

_WAS: Final = "SELECT 1 FROM entry WHERE workspace = ? AND path = ?"

_SET_HASH: Final = """
UPDATE entry SET hash = ?
WHERE workspace = ? AND path = ? AND version = ? AND kind = 'f' AND deleted = 0
"""


class StoredCatalogue:
    """Keeps the Catalogue contract in a server's Database.

    `history` is written in the transactions that it tells of; None: nothing is told.
    """

    def __init__(self, database: Database, history: HistoryRows | None = None) -> None:
        self._database = database
        self._history = history

    def workspace(self, root: str, make_epoch: Callable[[], str]) -> WorkspaceRecord:
        with self._database.transaction() as connection:
            found = "SELECT id FROM workspace WHERE root = ?"
            if (row := connection.execute(found, (root,)).fetchone()) is None:
                workspace_moves.arrive(connection, root)
                row = connection.execute(found, (root,)).fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO workspace (root, epoch) VALUES (?, ?)", (root, make_epoch())
                )
                row = connection.execute(found, (root,)).fetchone()
            workspace_moves.opened(connection, row[0])
            return _workspace(connection, row[0]).record

    def use(self, workspace: int) -> Use:
        with self._database.read(single=True) as connection:
            row = connection.execute(_USE, (workspace,)).fetchone()
        if row is None:
            raise _no_workspace()
        return Use(*row)

    def uses(self) -> dict[str, Use]:
        with self._database.read(single=True) as connection:
            rows = connection.execute("SELECT root, bytes, files FROM workspace").fetchall()
        return {root: Use(*use) for root, *use in rows}

    def sequences(self) -> dict[int, int]:
        with self._database.read(single=True) as connection:
            return dict(connection.execute("SELECT id, sequence FROM workspace").fetchall())

    def set_marker(self, workspace: int, marker: str) -> None:
        with self._database.transaction(workspace) as connection:
            _workspace(connection, workspace)
            connection.execute("UPDATE workspace SET marker = ? WHERE id = ?", (marker, workspace))

    def begin(self, workspace: int, token: str) -> Lineage:
        token = self._database.life or token
        with self._database.transaction(workspace) as connection:
            first = _workspace(connection, workspace).record.sequence + 1
            newest = connection.execute(_NEWEST_LINEAGE, (workspace,)).fetchone()
            if newest is not None and newest[0] == token:
                return Lineage(*newest)  # another server has begun it
            connection.execute(_BEGIN, (workspace, first, token))
        return Lineage(token, first)

    def lineage(self, workspace: int, version: int) -> str:
        with self._database.read(single=True) as connection:
            return _lineage(connection, workspace, version)

    def mark(self, now: float, apart: float) -> None:
        with self._database.transaction(own=CLOCK) as connection:
            connection.execute(_MARK, (now, apart))

    def thin(self, before: float) -> None:
        with self._database.transaction() as connection:
            connection.execute(_THIN, (before,))

    def suspect(self, stop: UncleanStop) -> None:
        with self._database.transaction() as connection:
            marked = connection.execute(_MARKED, (stop.at - LATELY,)).fetchall()
            for workspace, earlier, sequence in marked:
                suspects = suspects_of(stop, sequence, decode(earlier))
                connection.execute(
                    "UPDATE workspace SET suspects = ? WHERE id = ?", (encode(suspects), workspace)
                )

    def suspects(self, workspace: int) -> Suspects | None:
        with self._database.read() as connection:
            row = connection.execute("SELECT suspects FROM workspace WHERE id = ?", (workspace,))
            return decode(row.fetchone()[0])

    def checked(self, workspace: int) -> None:
        with self._database.transaction(workspace) as connection:
            connection.execute("UPDATE workspace SET suspects = NULL WHERE id = ?", (workspace,))

    def lately(
        self, workspace: int, suspects: Suspects, upto: int, limit: int
    ) -> list[tuple[str, Catalogued, int]]:
        wanted = (workspace, suspects.after, upto, suspects.since_ns, limit)
        with self._database.read() as connection:
            rows = connection.execute(_LATELY, wanted).fetchall()
        return [(paths.from_key(row[1]), held_of(row), row[CHANGED]) for row in rows]

    def forget_gone(self, before: float, most: int) -> bool:
        with self._database.transaction() as connection:
            # The floor must rise before the first of them is deleted, or in the same transaction.
            connection.execute(_RAISE, (before,))
            connection.execute(
                "DELETE FROM mark WHERE sequence <= "
                "(SELECT floor FROM workspace WHERE id = mark.workspace)"
            )
            gone = 0
            for workspace, floor in connection.execute(
                "SELECT id, floor FROM workspace"
            ).fetchall():
                gone += connection.execute(_FORGET, (workspace, floor, most - gone)).rowcount
            return gone >= most

    def entry(self, workspace: int, path: str) -> Catalogued | None:
        key = paths.key(paths.check(path))
        row = self._rows_at(workspace, [key]).get(key)
        return None if row is None else held_of(row)

    def was(self, workspace: int, path: str) -> bool:
        row = (workspace, paths.key(paths.check(path)))
        with self._database.read() as connection:
            return connection.execute(_WAS, row).fetchone() is not None

    def entries(self, workspace: int, some: Sequence[str]) -> list[Catalogued | None]:
        keys = paths.keys(some)
        rows = self._rows_at(workspace, keys)
        found = {key: held_of(row) for key, row in rows.items()}
        return [found.get(key) for key in keys] if found else [None] * len(keys)

    def files(self, workspace: int, some: Sequence[str]) -> list[CataloguedFile | None]:
        keys = paths.keys(some)
        with self._database.read(single=True) as connection:
            if isinstance(connection, TakesLists):
                known = self._known(connection, workspace, keys) if keys else None
                if known is not None and not known.unfinished:
                    rows = known.live(keys)
                    return [file_of_row(rows[key]) if key in rows else None for key in keys]
            elif not _workspace(connection, workspace).unfinished:
                found = files_at(connection, workspace, keys)
                return [found.get(key) for key in keys]
        held = self.entries(workspace, some)
        return [None if one is None else file_of(one) for one in held]

    def listing(
        self, workspace: int, folder: str, after: str = "", upto: str = "", limit: int = -1
    ) -> list[Catalogued]:
        parent, between = _range(folder, after, upto)
        with self._database.read() as connection:
            parts = _unfinished(connection, _workspace(connection, workspace))
            rows = listed(connection, workspace, parent, between, limit, parts)
        return [held_of(row) for row in rows]

    def stats(
        self, workspace: int, folder: str, after: str = "", upto: str = "", limit: int = -1
    ) -> list[EntryStat]:
        parent, between = _range(folder, after, upto)
        with self._database.read() as connection:
            if not _workspace(connection, workspace).unfinished:
                return stats(connection, workspace, parent, between, limit)
        return [stat_of(held) for held in self.listing(workspace, folder, after, upto, limit)]

    def record(
        self, workspace: int, changes: Sequence[Change | PutColumns], cause: ChangeCause = OTHERS
    ) -> Recorded:
        with self._database.transaction(workspace) as connection:
            known = forget(self._database.looked_up(workspace))
            if known is None:
                there = _workspace(connection, workspace)
                known = LookedUp(there.record.sequence, unfinished=there.unfinished)
            telling = Telling(connection, self._history, workspace, cause)
            parts = unfinished(connection, workspace) if known.unfinished else ()
            recording = Recording(connection, workspace, known, parts, telling, self._history)
            for kind, run in groupby(changes, type):
                if kind is Put:
                    recording.put([change for change in run if isinstance(change, Put)])
                else:
                    for change in run:
                        if isinstance(change, PutColumns):
                            recording.put_columns(change)
                        elif isinstance(change, Gone):
                            recording.gone(change)
                        elif isinstance(change, CatalogueMove):
                            recording.move(change)
                        elif isinstance(change, CatalogueExchange):
                            recording.exchange(change)
            return recording.close()

    def finish(self, workspace: int, most: int) -> Finished | None:
        with self._database.read(single=True) as connection:
            if not _workspace(connection, workspace).unfinished:
                return None
        with self._database.transaction(workspace) as connection:
            forget(self._database.looked_up(workspace))
            known = _workspace(connection, workspace)
            parts = _unfinished(connection, known)
            if not parts:
                return None
            before, target = known.record.sequence, parts[0].target
            written = write_part(connection, parts[0], before, most, self._history)
            close(connection, workspace, written.sequence, NOTHING_USED - written.gone)
        path = None if target is None else paths.from_key(target)
        return Finished(path, (before + 1, written.sequence), written.told)

    def changes(
        self,
        workspace: int,
        since: int,
        under: str,
        limit: int,
        without: Sequence[VersionRange] = (),
    ) -> ChangesPage:
        low, high = below(paths.check(under))
        with self._database.read(long=limit > 1) as connection:
            known = _workspace(connection, workspace)
            parts = _unfinished(connection, known)
            sequence = known.record.sequence
            found: list[Row] = []
            for above, beneath in gaps(since, without):
                left = limit + 1 - len(found)
                wanted = (workspace, above, beneath, low, high, left)
                found += connection.execute(_CHANGES, wanted).fetchall()
                if len(found) > limit:
                    break
            more = len(found) > limit
            keys, numbers, gone, entries = fed_of(found[:limit])
            after = numbers[-1] if more else max(sequence, since)
            lineage = _lineage(connection, workspace, after)
            newest = _lineage(connection, workspace, sequence) if after != sequence else lineage
        start = len(low) if under else 0
        places = [paths.from_key(key[start:]) for key in keys]
        rows: Sequence[tuple[str, Entry | None]] = PlacedEntries(places, entries)
        if parts or any(gone):
            hidden = (is_hidden(key, at, parts) for key, at in zip(keys, numbers, strict=True))
            rows = [
                (path, None if deleted or hides else entry)
                for (path, entry), deleted, hides in zip(rows, gone, hidden, strict=True)
            ]
        torn = any(part.target is not None for part in parts)
        floor = known.record.floor
        return ChangesPage(rows, after, more, sequence, lineage, newest, floor, torn)

    def set_hash(self, workspace: int, path: str, version: int, hash: str) -> bool:
        row = (hash, workspace, paths.key(paths.check(path)), version)
        with self._database.transaction(workspace) as connection:
            forget(self._database.looked_up(workspace))
            _workspace(connection, workspace)
            return connection.execute(_SET_HASH, row).rowcount > 0

    def _rows_at(self, workspace: int, keys: Sequence[bytes]) -> Mapping[bytes, Row]:
        """The rows of what is at `keys` now, and maybe of others; without those of deletions."""
        with self._database.read(single=True) as connection:
            if not isinstance(connection, TakesLists):
                return _rows_at(connection, workspace, keys)
            known = self._known(connection, workspace, keys) if keys else None
            if known is not None and not known.unfinished:
                return known.live(keys)
        with self._database.read() as connection:
            return _rows_at(connection, workspace, keys)

    def _known(
        self, connection: Statements, workspace: int, keys: Sequence[bytes]
    ) -> LookedUp | None:
        """What one statement, or none, says of some keys; None: there is no such workspace."""
        memory = self._database.looked_up(workspace)
        known = noted(memory)
        if known is not None:
            look_further(connection, workspace, known, keys)
        elif (known := look(connection, workspace, keys)) is not None:
            note(memory, known)
        return known


def _range(folder: str, after: str, upto: str) -> tuple[bytes, tuple[bytes, bytes]]:
    """The key of a folder, and the keys before and after those of some names in it."""
    parent = paths.key(paths.check(folder))
    start = parent + b"\0" if folder else b""
    high = start + _name_key(upto) + b"\0" if upto else below(folder)[1]
    return parent, (start + _name_key(after), high)


def _name_key(name: str) -> bytes:
    """A limit of a listing may also be a name that is not UTF-8; it has its place in the order."""
    return name.encode(errors="surrogatepass")


def _lineage(connection: Statements, workspace: int, version: int) -> str:
    row = connection.execute(
        "SELECT token FROM lineage WHERE workspace = ? AND first <= ? ORDER BY first DESC LIMIT 1",
        (workspace, version),
    ).fetchone()
    return str(row[0]) if row else ""


class _Known(NamedTuple):
    """A workspace, and whether it has unfinished subtrees."""

    record: WorkspaceRecord
    unfinished: bool


def _workspace(connection: Statements, number: int) -> _Known:
    row = connection.execute(_WORKSPACE, (number,)).fetchone()
    if row is None:
        raise _no_workspace()
    return _Known(WorkspaceRecord._make(row[:-1]), bool(row[-1]))


def _no_workspace() -> ProblemError:
    return ProblemError(Problem(Code.UNKNOWN_WORKSPACE, "there is no such workspace", retry=False))


def _rows_at(connection: Statements, workspace: int, keys: Sequence[bytes]) -> dict[bytes, Row]:
    parts = _unfinished(connection, _workspace(connection, workspace))
    return rows_at(connection, workspace, keys, parts)


def _unfinished(connection: Statements, known: _Known) -> Sequence[Unfinished]:
    return unfinished(connection, known.record.id) if known.unfinished else ()
