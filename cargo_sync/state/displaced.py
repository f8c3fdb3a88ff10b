"""The ledger of displaced versions: one row each, of a daemon's jobs or a server's workspaces.

A row is written in the transaction that records what displaced the version. It stays after the
version was restored or freed, as long as the history is kept.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from cargo_sync.model.displaced import (
    DisplacedVersion,
    KeptVersion,
    TrashCause,
    TrashFilter,
    TrashPage,
    TrashRow,
    TrashState,
    TrashTotals,
)
from cargo_sync.state.bulk import Alter, Insert, Select
from cargo_sync.state.database import Database, Schema, Statements

LOOKED_THROUGH: Final = 5_000
"""Rows that are compared with a filter for one page, at most."""

_ADD: Final = Insert(
    "INSERT INTO displaced (owner, time, lived, path, place, kind, size, hash, mtime_ns, cause, "
    "run, user) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (owner, place) WHERE state = 'kept' DO UPDATE SET path = excluded.path, "
    "kind = excluded.kind, size = excluded.size, hash = excluded.hash, "
    "mtime_ns = excluded.mtime_ns, cause = excluded.cause, user = excluded.user",
)
_KNOWN: Final = Select(
    "SELECT place FROM displaced WHERE owner = ? AND state = 'kept' AND place IN"
)
_END: Final = Alter(
    "UPDATE displaced SET state = ?, moved_to = ?, ended = ?, gone = ? "
    "WHERE owner = ? AND state = 'kept' AND id IN"
)
_COLUMNS: Final = (
    "id, path, place, kind, size, hash, mtime_ns, cause, run, user, time, state, moved_to, ended"
)
_ROWS: Final = f"SELECT {_COLUMNS} FROM displaced"  # noqa: S608
_KEPT: Final = Select(f"{_ROWS} WHERE owner = ? AND state = 'kept' AND id IN")
_SIZE: Final = "CASE WHEN size < 0 THEN 0 ELSE size END"
_OLDEST: Final = f"""
SELECT id, place, kind, {_SIZE}, lived FROM displaced
WHERE owner = ? AND state = 'kept' AND (lived, id) > (?, ?) ORDER BY lived, id LIMIT ?
"""  # noqa: S608
_OWNERS: Final[dict[Schema, str]] = {"daemon": "job", "server": "workspace"}


class DisplacedRows:
    """The ledger of one job or workspace, whose number is `owner`; see `local.ledger`.

    wall   unix seconds
    lived  reads the retention clock
    """

    def __init__(
        self,
        database: Database,
        owner: int,
        wall: Callable[[], float],
        lived: Callable[[], float],
    ) -> None:
        self._database = database
        self._owner = owner
        self._wall = wall
        self._lived = lived

    def together(self) -> AbstractContextManager[object]:
        return self._database.transaction(self._owner)

    def add(self, versions: Sequence[DisplacedVersion]) -> None:
        if versions:
            begins = (self._owner, self._wall(), self._lived())
            with self._database.transaction(self._owner) as connection:
                _ADD(connection, [(*begins, *one) for one in versions])

    def ended(self, ids: Sequence[int], state: TrashState, moved_to: str = "") -> None:
        if ids:
            first = (state, moved_to, self._wall(), self._lived(), self._owner)
            with self._database.transaction(self._owner) as connection:
                _END(connection, first, ids)

    def kept(self, ids: Sequence[int]) -> list[tuple[int, DisplacedVersion]]:
        with self._database.read() as connection:
            rows = [_row(columns) for columns in _KEPT(connection, [self._owner], ids)]
        found = {row.id: row.version for row in rows}
        return [(id, found[id]) for id in dict.fromkeys(ids) if id in found]

    def now(self) -> float:
        return self._lived()

    def oldest(self, after: KeptVersion | None, limit: int) -> list[KeptVersion]:
        start = (after.since, after.id) if after else (float("-inf"), 0)
        with self._database.read() as connection:
            rows = connection.execute(_OLDEST, (self._owner, *start, limit)).fetchall()
        return [KeptVersion(*columns) for columns in rows]

    def unmeasured(self, limit: int) -> list[tuple[int, str]]:
        with self._database.read() as connection:
            return connection.execute(
                "SELECT id, place FROM displaced WHERE owner = ? AND state = 'kept' AND size < 0 "
                "ORDER BY id LIMIT ?",
                (self._owner, limit),
            ).fetchall()

    def measured(self, sizes: Sequence[tuple[int, int]]) -> None:
        with self._database.transaction(self._owner) as connection:
            for id, size in sizes:
                connection.execute("UPDATE displaced SET size = ? WHERE id = ?", (size, id))

    def hashed(self, id: int, size: int, hash: str) -> None:
        """The size and the hash of a kept file are known now."""
        with self._database.transaction(self._owner) as connection:
            connection.execute(
                "UPDATE displaced SET size = ?, hash = ? WHERE owner = ? AND id = ?",
                (size, hash, self._owner, id),
            )

    def totals(self, within: str = "") -> TrashTotals:
        between = (within + "/", within + "0") if within else ("", "\U0010ffff")  # "0" follows "/"
        with self._database.read(long=True) as connection:
            files, size = connection.execute(
                f"SELECT count(*), coalesce(sum({_SIZE}), 0) FROM displaced "  # noqa: S608
                "WHERE owner = ? AND state = 'kept' AND path >= ? AND path < ?",
                (self._owner, *between),
            ).fetchone()
        return TrashTotals(files, size)

    def runs(self) -> set[str]:
        with self._database.read(long=True) as connection:
            rows = connection.execute(
                "SELECT DISTINCT run FROM displaced WHERE owner = ? AND state = 'kept'",
                (self._owner,),
            )
            return {run for (run,) in rows}

    def known(self, places: Collection[str]) -> set[str]:
        with self._database.read() as connection:
            return {place for (place,) in _KNOWN(connection, [self._owner], list(places))}

    def is_complete(self) -> bool:
        with self._database.read() as connection:
            return not connection.execute(
                "SELECT 1 FROM trash_incomplete WHERE owner = ?", (self._owner,)
            ).fetchone()

    def completed(self) -> None:
        with self._database.transaction(self._owner) as connection:
            connection.execute("DELETE FROM trash_incomplete WHERE owner = ?", (self._owner,))

    def page(self, wanted: TrashFilter, before: int | None, limit: int) -> TrashPage:
        where = ["owner = ?", "id < ?", "time >= ?"]
        values: list[object] = [self._owner, 2**62 if before is None else before, wanted.since]
        if wanted.older:
            where.append("lived <= ?")
            values.append(self._lived() - wanted.older)
        if wanted.kept:
            where.append("state = 'kept'")
        if wanted.run:
            where.append("run = ?")
            values.append(wanted.run)
        text = f"{_ROWS} WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?"
        found: list[TrashRow] = []
        last, seen = None, 0
        with self._database.read(long=True) as connection:
            for columns in connection.execute(text, [*values, LOOKED_THROUGH]):
                last, seen = columns[0], seen + 1
                if wanted.matches(columns[1]):
                    found.append(_row(columns))
                    if len(found) == limit:
                        return TrashPage(found, last)
        return TrashPage(found, last if seen == LOOKED_THROUGH else None)

    def run_totals(self, run: str) -> dict[TrashState, TrashTotals]:
        """How much of what a run has displaced is where."""
        with self._database.read(long=True) as connection:
            rows = connection.execute(
                f"SELECT state, count(*), sum({_SIZE}) FROM displaced "  # noqa: S608
                "WHERE owner = ? AND run = ? GROUP BY state",
                (self._owner, run),
            )
            return {TrashState(state): TrashTotals(files, size) for state, files, size in rows}


def all_incomplete(database: Database, schema: Schema) -> None:
    """After an unclean stop, each trash may hold what has no row. Raises ProblemError."""
    with database.transaction() as connection:
        connection.execute(
            f"INSERT INTO trash_incomplete SELECT id FROM {_OWNERS[schema]} WHERE true "  # noqa: S608
            "ON CONFLICT DO NOTHING"
        )


def prune(database: Database, before: float, most: int) -> int:
    """Deletes up to `most` rows of versions that were restored or freed before `before`.

    Args:
        database: the state.
        before: reading of the retention clock.
        most: deleted per call; call it until it returns 0.

    Returns:
        How many were deleted.
    """
    with database.transaction() as connection:
        return connection.execute(
            "DELETE FROM displaced WHERE id IN "
            "(SELECT id FROM displaced WHERE gone IS NOT NULL AND gone < ? ORDER BY gone LIMIT ?)",
            (before, most),
        ).rowcount


def forget(connection: Statements, owner: int, most: int) -> bool:
    """Deletes up to `most` rows of a job that is forgotten; whether there may be more."""
    gone = connection.execute(
        "DELETE FROM displaced WHERE id IN (SELECT id FROM displaced WHERE owner = ? LIMIT ?)",
        (owner, most),
    ).rowcount
    return gone >= most


def _row(columns: tuple[Any, ...]) -> TrashRow:
    id, path, place, kind, size, content, mtime, cause, run, user, *rest = columns
    time, state, moved_to, ended = rest
    version = DisplacedVersion(
        path, place, kind, size, content, mtime, TrashCause(cause), run, user
    )
    return TrashRow(id, version, time, TrashState(state), moved_to, ended)
