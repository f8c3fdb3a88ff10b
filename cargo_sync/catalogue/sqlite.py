"""The catalogue in SQLite: one row per path."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Final

from cargo_sync.catalogue.contract import (
    Catalogued,
    CatalogueMove,
    Change,
    ChangesPage,
    Gone,
    Put,
    WorkspaceRecord,
)
from cargo_sync.catalogue.rows import (
    ADD,
    INSERT,
    READ,
    SELECT,
    UPDATE,
    WRITE,
    held_of,
    is_known,
    row_of,
)
from cargo_sync.machines.suspects import LATELY, Suspects, UncleanStop, suspects_of
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Database
from cargo_sync.state.migrations import Statements
from cargo_sync.state.ranges import at_or_below, below
from cargo_sync.state.suspects import decode, encode

_LIVE_AS_GONE: Final = """
SELECT workspace, path, parent, ?2 + row_number() OVER (ORDER BY path), id,
       kind, size, mtime_ns, mode, ctime_ns, inode, '', target, 1
FROM entry WHERE workspace = ?1 AND path >= ?3 AND path < ?4 AND deleted = 0
"""
_GONE: Final = f"{INSERT} {_LIVE_AS_GONE} {UPDATE}"
"""The rows in a range become tombstones, each with its own version, parents first."""

_LIVE_ELSEWHERE: Final = """
SELECT workspace,
       CAST(?5 || substr(path, length(?3) + 1) AS BLOB),
       CASE path WHEN ?3 THEN ?6 ELSE CAST(?5 || substr(parent, length(?3) + 1) AS BLOB) END,
       ?2 + row_number() OVER (ORDER BY path), id, kind, size, mtime_ns, mode,
       CASE path WHEN ?3 THEN ?7 ELSE ctime_ns END, inode, hash, target, 0
FROM entry WHERE workspace = ?1 AND path >= ?3 AND path < ?4 AND deleted = 0
"""
_MOVE: Final = f"{INSERT} {_LIVE_ELSEWHERE} {UPDATE}"
"""The rows in a range are copied to another place; they replace tombstones there."""

_ONE: Final = f"{SELECT} WHERE workspace = ? AND path = ?"

# Without statistics SQLite would walk through the whole table in the order of its key.
_LISTING: Final = f"""{SELECT} INDEXED BY entry_parent
WHERE workspace = ? AND parent = ? AND deleted = 0 AND path > ? AND path < ?
ORDER BY path LIMIT ?"""

_CHANGES: Final = f"""{SELECT} INDEXED BY entry_version
WHERE workspace = ? AND version > ? AND path >= ? AND path < ? ORDER BY version LIMIT ?"""


_MARK: Final = """
INSERT OR IGNORE INTO mark SELECT id, sequence, ?1 FROM workspace WHERE sequence > floor
    AND NOT EXISTS (SELECT 1 FROM mark WHERE workspace = workspace.id AND time > ?1 - ?2)
"""

_THIN: Final = """
DELETE FROM mark WHERE time < ?1 AND (workspace, sequence) NOT IN (
    SELECT workspace, min(sequence) FROM mark WHERE time < ?1
    GROUP BY workspace, CAST(time / 86400 AS INTEGER))
"""

# Without a mark that is old enough, everything since the first one is recent.
_MARKED: Final = """
SELECT id, suspects, coalesce(
    (SELECT max(sequence) FROM mark WHERE workspace = workspace.id AND time <= ?),
    (SELECT min(sequence) FROM mark WHERE workspace = workspace.id), floor) FROM workspace
"""

_LATELY: Final = f"""{SELECT} INDEXED BY entry_version
WHERE workspace = ? AND version > ? AND version <= ? AND deleted = 0 AND kind = 'f'
AND ctime_ns >= ? ORDER BY version LIMIT ?"""

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

_SET_HASH: Final = """
UPDATE entry SET hash = ?
WHERE workspace = ? AND path = ? AND version = ? AND kind = 'f' AND deleted = 0
"""


class SqliteCatalogue:
    """Keeps the Catalogue contract in a server's Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def workspace(self, root: str, make_epoch: Callable[[], str]) -> WorkspaceRecord:
        with self._database.transaction() as connection:
            found = "SELECT id FROM workspace WHERE root = ?"
            if (row := connection.execute(found, (root,)).fetchone()) is None:
                connection.execute(
                    "INSERT INTO workspace (root, epoch) VALUES (?, ?)", (root, make_epoch())
                )
                row = connection.execute(found, (root,)).fetchone()
            return _workspace(connection, row[0])

    def set_marker(self, workspace: int, marker: str) -> None:
        with self._database.transaction() as connection:
            _workspace(connection, workspace)
            connection.execute("UPDATE workspace SET marker = ? WHERE id = ?", (marker, workspace))

    def begin(self, workspace: int, token: str) -> None:
        with self._database.transaction() as connection:
            first = _workspace(connection, workspace).sequence + 1
            connection.execute(
                "INSERT OR REPLACE INTO lineage VALUES (?, ?, ?)", (workspace, first, token)
            )

    def lineage(self, workspace: int, version: int) -> str:
        with self._database.read() as connection:
            return _lineage(connection, workspace, version)

    def mark(self, now: float, apart: float) -> None:
        with self._database.transaction() as connection:
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
        with self._database.transaction() as connection:
            connection.execute("UPDATE workspace SET suspects = NULL WHERE id = ?", (workspace,))

    def lately(
        self, workspace: int, suspects: Suspects, upto: int, limit: int
    ) -> list[tuple[str, Catalogued]]:
        wanted = (workspace, suspects.after, upto, suspects.since_ns, limit)
        with self._database.read() as connection:
            rows = connection.execute(_LATELY, wanted).fetchall()
        return [(paths.from_key(row[1]), held_of(row)) for row in rows]

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
        with self._database.read() as connection:
            _workspace(connection, workspace)
            row = connection.execute(_ONE, (workspace, paths.key(paths.check(path)))).fetchone()
        return None if row is None or row[-1] else held_of(row)

    def entries(self, workspace: int, some: Sequence[str]) -> list[Catalogued | None]:
        keys = [paths.key(paths.check(path)) for path in some]
        with self._database.read() as connection:
            _workspace(connection, workspace)
            found = {
                row[1]: held_of(row) for row in READ(connection, (workspace,), keys) if not row[-1]
            }
        return [found.get(key) for key in keys]

    def listing(
        self, workspace: int, folder: str, after: str = "", upto: str = "", limit: int = -1
    ) -> list[Catalogued]:
        parent = paths.key(paths.check(folder))
        start = parent + b"\0" if folder else b""
        low = start + _name_key(after)
        high = start + _name_key(upto) + b"\0" if upto else below(folder)[1]
        with self._database.read() as connection:
            _workspace(connection, workspace)
            rows = connection.execute(_LISTING, (workspace, parent, low, high, limit)).fetchall()
        return [held_of(row) for row in rows]

    def record(self, workspace: int, changes: Sequence[Change]) -> list[int]:
        with self._database.transaction() as connection:
            recording = _Recording(connection, _workspace(connection, workspace))
            for kind, run in groupby(changes, type):
                if kind is Put:
                    recording.put([change for change in run if isinstance(change, Put)])
                else:
                    for change in run:
                        if isinstance(change, Gone):
                            recording.gone(change)
                        elif isinstance(change, CatalogueMove):
                            recording.move(change)
            recording.close()
            return recording.versions

    def changes(self, workspace: int, since: int, under: str, limit: int) -> ChangesPage:
        low, high = below(paths.check(under))
        with self._database.read() as connection:
            known = _workspace(connection, workspace)
            sequence = known.sequence
            found = connection.execute(
                _CHANGES, (workspace, since, low, high, limit + 1)
            ).fetchall()
            more = len(found) > limit
            after = found[limit - 1][3] if more else max(sequence, since)
            lineage = _lineage(connection, workspace, after)
        start = len(low) if under else 0
        rows = [
            (paths.from_key(row[1][start:]), None if row[-1] else held_of(row).entry)
            for row in found[:limit]
        ]
        return ChangesPage(rows, after, more, sequence, lineage, known.floor)

    def set_hash(self, workspace: int, path: str, version: int, hash: str) -> bool:
        row = (hash, workspace, paths.key(paths.check(path)), version)
        with self._database.transaction() as connection:
            _workspace(connection, workspace)
            return connection.execute(_SET_HASH, row).rowcount > 0


class _Recording:
    """One call of `record`, inside its transaction. `versions` has the results so far."""

    def __init__(self, connection: Statements, workspace: WorkspaceRecord) -> None:
        self._connection = connection
        self._workspace = workspace.id
        self._sequence = workspace.sequence
        self.versions: list[int] = []

    def put(self, puts: Sequence[Put]) -> None:
        """Records consecutive puts: one read of the old rows, one write of the new ones."""
        keys = [paths.key(_checked(put.path)) for put in puts]
        known = {row[1]: row for row in READ(self._connection, (self._workspace,), keys)}
        if not known and len(set(keys)) == len(keys):
            self._put_new(keys, puts)
            return
        writes: dict[bytes, tuple[Any, ...]] = {}
        for at, (key, put) in enumerate(zip(keys, puts, strict=True)):
            old = known.get(key)
            if old is not None and old[-1]:
                old = None
            if old is not None and old[5] == FOLDER != put.entry.kind:
                # Everything below the folder is deleted too, so the old rows must be read again.
                WRITE(self._connection, list(writes.values()))
                self._delete(put.path)
                self.put(puts[at:])
                return
            if old is not None and is_known(old, put):
                version, ident, content = old[3], old[4], put.entry.hash or old[11]
            else:
                version = self._sequence = self._sequence + 1
                ident = old[4] if old is not None and old[5] == put.entry.kind else version
                content = put.entry.hash
            row = row_of(self._workspace, key, put, version, ident, content)
            if row != old:
                writes[key] = known[key] = row
            self.versions.append(version)
        WRITE(self._connection, list(writes.values()))

    def _put_new(self, keys: Sequence[bytes], puts: Sequence[Put]) -> None:
        """Records puts at paths without rows, which are all different."""
        versions = range(self._sequence + 1, self._sequence + 1 + len(puts))
        self._sequence += len(puts)
        self.versions += versions
        rows = [
            row_of(self._workspace, key, put, version, version, put.entry.hash)
            for key, put, version in zip(keys, puts, versions, strict=True)
        ]
        ADD(self._connection, rows)

    def gone(self, change: Gone) -> None:
        key = paths.key(paths.check(change.path, reserved=True))
        self._delete(change.path)
        row = self._row(key)
        self.versions.append(row[3] if row else 0 if change.path else self._sequence)

    def move(self, change: CatalogueMove) -> None:
        source, target = paths.key(_checked(change.source)), paths.key(_checked(change.path))
        if (row := self._row(source)) is None or row[-1]:
            raise ProblemError(
                Problem(
                    Code.VANISHED, f"{change.source!r} does not exist any more", path=change.source
                )
            )
        if paths.is_below(change.path, change.source):
            reason = f"{change.source!r} cannot be moved to {change.path!r}, into itself"
            raise ProblemError(Problem(Code.BAD_PATH, reason, path=change.path, retry=False))
        if (row := self._row(target)) is not None and not row[-1]:
            raise ProblemError(
                Problem(Code.OCCUPIED, f"{change.path!r} already exists", path=change.path)
            )
        low, high = at_or_below(change.source)
        parent = paths.key(paths.parent(change.path))
        moved = (self._workspace, self._sequence, low, high, target, parent, change.ctime_ns)
        self.versions.append(self._sequence + 1)
        self._sequence += self._connection.execute(_MOVE, moved).rowcount
        self._delete(change.source)

    def close(self) -> None:
        self._connection.execute(
            "UPDATE workspace SET sequence = ? WHERE id = ?", (self._sequence, self._workspace)
        )

    def _row(self, key: bytes) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._connection.execute(
            _ONE, (self._workspace, key)
        ).fetchone()
        return row

    def _delete(self, path: str) -> None:
        deleted = (self._workspace, self._sequence, *at_or_below(path))
        self._sequence += self._connection.execute(_GONE, deleted).rowcount


def _name_key(name: str) -> bytes:
    """A limit of a listing may also be a name that is not UTF-8; it has its place in the order."""
    return name.encode(errors="surrogatepass")


def _checked(path: str) -> str:
    """Returns `path`, if it may have a row. Raises ProblemError."""
    if not path:
        raise ProblemError(
            Problem(Code.BAD_PATH, "the root of a workspace has no entry", retry=False)
        )
    return paths.check(path)


def _lineage(connection: Statements, workspace: int, version: int) -> str:
    row = connection.execute(
        "SELECT token FROM lineage WHERE workspace = ? AND first <= ? ORDER BY first DESC LIMIT 1",
        (workspace, version),
    ).fetchone()
    return str(row[0]) if row else ""


def _workspace(connection: Statements, number: int) -> WorkspaceRecord:
    row = connection.execute(
        "SELECT id, root, marker, epoch, sequence, floor FROM workspace WHERE id = ?", (number,)
    ).fetchone()
    if row is None:
        raise ProblemError(
            Problem(Code.UNKNOWN_WORKSPACE, "there is no such workspace", retry=False)
        )
    return WorkspaceRecord._make(row)
