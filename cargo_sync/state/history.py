"""The history of a server: batches that are added in the transaction that made them true."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cargo_sync.model.history import (
    SHOWN,
    ChangeCause,
    HistoryBatch,
    HistoryFiles,
    HistoryKind,
    HistoryRow,
    ToldBatch,
    rows_of,
)
from cargo_sync.model.path_pattern import ANY_PATH, PathPattern
from cargo_sync.state.database import Database, Statements

MOST: Final = 10_000
"""Files of one row: so many are decoded at a time."""
LOOKED_AT: Final = 50_000
BATCHES: Final = 2_000
"""A page looks at so many files, and at so many batches: if what is wanted is rare, it is empty."""

_COLUMNS: Final = (
    "cursor, time, workspace, kind, user, address, origin, flow, seconds, count, bytes"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM history"  # noqa: S608
_NEWEST: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'history'"
_ADD: Final = f"""
INSERT INTO history (cursor, time, workspace, kind, user, address, origin, flow, seconds, count,
bytes, files, lived)
SELECT coalesce(({_NEWEST} /* FOR UPDATE */), 0) + ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
RETURNING cursor
"""
"""Who gives numbers has the row until the commit: so numbers become visible in their order, and no
reader passes one by that is still to come."""
_WANTED: Final = """
user = coalesce(?1, user) AND kind = coalesce(?2, kind) AND time >= coalesce(?3, time)
AND time < coalesce(?4, time + 1)
"""
_AFTER: Final = f"{_SELECT} WHERE cursor > ?5 AND {_WANTED} {{}} ORDER BY cursor LIMIT ?6"
# The rows of a batch may be partly before a cursor.
_BEFORE: Final = f"""{_SELECT} WHERE cursor < ?5 + {MOST} AND cursor - count < ?5 - 1
AND {_WANTED} {{}} ORDER BY cursor DESC LIMIT ?6
"""
_ONE: Final = f"{_SELECT} WHERE cursor = ?"
_TOLD: Final = f"""
SELECT {_COLUMNS}, files FROM history WHERE cursor > ? ORDER BY cursor LIMIT ?
"""  # noqa: S608
_FILES: Final = "SELECT files FROM history WHERE cursor = ?"
_MOVED: Final = """
SELECT kind, coalesce(sum(count), 0), coalesce(sum(bytes), 0) FROM history INDEXED BY history_user
WHERE user = ? AND kind IN ('uploaded', 'downloaded') AND time >= ? GROUP BY kind
"""
_OLDEST: Final = "SELECT cursor - count + 1 FROM history ORDER BY cursor LIMIT 1"
_AGES: Final = "SELECT cursor, lived FROM history ORDER BY cursor LIMIT ?"


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which rows are wanted.

    user        only what this user did; None for all
    kind        only what is of this kind; None for all
    workspaces  only in these folders of the catalogue; None for all
    pattern     only these paths; of a path, also what happened to a folder above it
    since, until   unix seconds; None for no limit
    """

    user: str | None = None
    kind: HistoryKind | None = None
    workspaces: Sequence[int] | None = None
    pattern: PathPattern = ANY_PATH
    since: float | None = None
    until: float | None = None

    def matches(self, row: HistoryRow) -> bool:
        """Whether the path of a row is wanted."""
        return self._is_wanted(row.path) or bool(row.before and self._is_wanted(row.before))

    def _is_wanted(self, path: str) -> bool:
        if self.pattern.matches(path.rstrip("/")):
            return True
        above = path.endswith("/") and self.pattern.is_path
        return above and self.pattern.text.strip("/").startswith(path)


EVERYTHING: Final = HistoryFilter()


class HistoryRowsPage(NamedTuple):
    """A part of the history.

    rows  in the order that was asked for
    next  where the next page goes on
    more  whether there may be more
    """

    rows: list[HistoryRow]
    next: int
    more: bool


class MovedTotals(NamedTuple):
    """How much a user moved: files and bytes, up to the server and down from it."""

    files_up: int = 0
    bytes_up: int = 0
    files_down: int = 0
    bytes_down: int = 0


class HistoryRows:
    """The history in a server's state. `wall`: unix seconds; `lived`: the retention clock."""

    def __init__(
        self, database: Database, wall: Callable[[], float], lived: Callable[[], float]
    ) -> None:
        self._database = database
        self._wall = wall
        self._lived = lived

    # -- writing -----------------------------------------------------------------------------------

    def add(
        self, workspace: int, cause: ChangeCause, kind: HistoryKind, files: HistoryFiles
    ) -> list[ToldBatch]:
        """Adds what happened, in one transaction: one row, or several of more than `MOST` files."""
        with self._database.transaction(own="history") as connection:
            return self.write(connection, workspace, cause, kind, files)

    def together(self) -> AbstractContextManager[object]:
        """What is added inside is written at once, or not at all."""
        return self._database.transaction(own="history")

    def write(
        self,
        connection: Statements,
        workspace: int,
        cause: ChangeCause,
        kind: HistoryKind,
        files: HistoryFiles,
    ) -> list[ToldBatch]:
        """As `add`, in a transaction of the caller."""
        told: list[ToldBatch] = []
        now, lived = self._wall(), self._lived()
        for start in range(0, len(files.paths), MOST):
            part = files.between(start, start + MOST) if len(files.paths) > MOST else files
            batch = HistoryBatch(
                len(part.paths), now, workspace, kind, cause.user, cause.address, cause.origin,
                cause.flow, cause.seconds, len(part.paths), sum(part.sizes),
            )  # fmt: skip
            row = (*batch[:3], kind.value, *batch[4:], part.encode(), lived)
            [(cursor,)] = connection.execute(_ADD, row).fetchall()
            batch = batch._replace(cursor=cursor)
            told.append(ToldBatch(batch, part.paths[:SHOWN]))
        return told

    def write_like(
        self, connection: Statements, cursor: int, files: HistoryFiles
    ) -> list[ToldBatch]:
        """Adds files to which the same happened as to a batch, in a transaction of the caller."""
        found = connection.execute(_ONE, (cursor,)).fetchone()
        if found is None or not files.paths:
            return []
        batch = _batch(found)
        cause = ChangeCause(batch.user, batch.address, batch.origin, batch.flow)
        return self.write(connection, batch.workspace, cause, batch.kind, files)

    # -- reading -----------------------------------------------------------------------------------

    def newest(self) -> int:
        """The newest cursor that was ever given, 0 when there was none."""
        with self._database.read() as connection:
            return _newest(connection)

    def bounds(self) -> tuple[int, int]:
        """The oldest cursor that is kept, and the newest that was ever given.

        When none is kept, the oldest is the next one to come.
        """
        with self._database.read() as connection:
            newest = _newest(connection)
            oldest = connection.execute(_OLDEST).fetchone()
        return newest + 1 if oldest is None else int(oldest[0]), newest

    def after(self, cursor: int, wanted: HistoryFilter, limit: int) -> HistoryRowsPage:
        """Up to `limit` rows after `cursor`, the oldest first."""
        with self._database.read(long=True) as connection:
            newest = _newest(connection)
            looking = _Looking(connection, wanted, limit)
            for batch, files in looking.batches(_AFTER, cursor):
                some = rows_of(batch, files)
                looking.take(some[max(0, cursor + 1 - some[0].cursor) :])
        reached = max(cursor, newest)
        return HistoryRowsPage(
            looking.rows, looking.reached if looking.more else reached, looking.more
        )

    def before(self, cursor: int, wanted: HistoryFilter, limit: int) -> HistoryRowsPage:
        """Up to `limit` rows before `cursor`, the newest first."""
        with self._database.read(long=True) as connection:
            looking = _Looking(connection, wanted, limit)
            for batch, files in looking.batches(_BEFORE, cursor):
                some = rows_of(batch, files)
                looking.take(some[: max(0, cursor - some[0].cursor)][::-1])
        return HistoryRowsPage(looking.rows, looking.reached if looking.more else 0, looking.more)

    def told(self, cursor: int, limit: int) -> list[ToldBatch]:
        """Up to `limit` batches after `cursor`, the oldest first, as those hear of them who listen.

        No batch with a lower cursor comes later.
        """
        with self._database.read(long=True, single=True) as connection:
            found = connection.execute(_TOLD, (cursor, limit)).fetchall()
        return [
            ToldBatch(_batch(row), HistoryFiles.decode(files).paths[:SHOWN])
            for *row, files in found
        ]

    def moved(self, user: str, since: float) -> MovedTotals:
        """How much a user moved since then, unix seconds; 0 for all that is kept."""
        with self._database.read(long=True) as connection:
            found = connection.execute(_MOVED, (user, since)).fetchall()
        sums = {kind: (files, size) for kind, files, size in found}
        up, down = sums.get("uploaded", (0, 0)), sums.get("downloaded", (0, 0))
        return MovedTotals(*up, *down)

    # -- retention ---------------------------------------------------------------------------------

    def prune(self, before: float, keep: int, most: int) -> int:
        """Deletes up to `most` batches from before `before`, or older than the newest `keep` files.

        Args:
            before: reading of the retention clock.
            keep: files.
            most: batches per call; call it until it returns 0.

        Returns:
            How many were deleted.
        """
        with self._database.transaction() as connection:
            last = _newest(connection) - keep
            oldest = connection.execute(_AGES, (most,)).fetchall()
            # Cursors and readings of the clock rise together.
            gone = [cursor for cursor, lived in oldest if cursor <= last or lived < before]
            if gone:
                connection.execute("DELETE FROM history WHERE cursor <= ?", (gone[-1],))
            return len(gone)


class _Looking:
    """One page while it is looked for.

    rows     those that were found, at most `limit`
    reached  the cursor of the last row that was looked at
    more     whether there may be more after that
    """

    def __init__(self, connection: Statements, wanted: HistoryFilter, limit: int) -> None:
        self.rows: list[HistoryRow] = []
        self.reached = 0
        self.more = False
        self._connection = connection
        self._wanted = wanted
        self._limit = limit

    def batches(self, sql: str, cursor: int) -> Iterator[tuple[HistoryBatch, HistoryFiles]]:
        """The batches that may have wanted rows, until it is enough."""
        wanted, looked = self._wanted, 0
        kind = None if wanted.kind is None else wanted.kind.value
        asked = (wanted.user, kind, wanted.since, wanted.until, cursor, BATCHES)
        found = self._connection.execute(sql.format(_within(wanted.workspaces)), asked).fetchall()
        for batch in map(_batch, found):
            if self.more or looked >= LOOKED_AT:
                self.more = True
                return
            looked += batch.files
            blob = self._connection.execute(_FILES, (batch.cursor,)).fetchone()[0]
            yield batch, HistoryFiles.decode(blob)
        self.more = self.more or len(found) == BATCHES

    def take(self, rows: Sequence[HistoryRow]) -> None:
        """Takes the wanted ones of these rows, as long as there is room."""
        for row in rows:
            if self._wanted.matches(row):
                if len(self.rows) == self._limit:
                    self.more = True
                    return
                self.rows.append(row)
            self.reached = row.cursor


def _within(workspaces: Sequence[int] | None) -> str:
    if workspaces is None:
        return ""
    if not workspaces:
        return "AND false"
    return f"AND workspace IN ({', '.join(str(int(one)) for one in workspaces)})"


def _batch(row: Iterable[Any]) -> HistoryBatch:
    batch = HistoryBatch._make(row)
    return batch._replace(kind=HistoryKind(batch.kind))


def _newest(connection: Statements) -> int:
    row = connection.execute(_NEWEST).fetchone()
    return int(row[0]) if row else 0
