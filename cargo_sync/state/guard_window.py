"""The guard's window: which files a job has deleted and overwritten lately, on one side.

A path has one row, however often it is touched. Above `MOST` rows, the oldest ones become counts
for parts of the window: a path of these that is touched again counts twice, so the guard holds
rather too early than too late. A deletion keeps the hash of what was deleted: if it turns out to be
a move, it does not count any more. It has no hash if the file was overwritten before in the window,
or deleted with another content: that counts in any case.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from cargo_sync.plan.guard import Harm, Touch
from cargo_sync.state.bulk import Alter, Insert, Select
from cargo_sync.state.database import Database

MOST: Final = 100_000
"""Paths that are kept for one side of a job."""
PART: Final = 3600.0
"""Seconds of a part. Its counts are forgotten when all of it is older than a window."""
_KNOWN = Select(
    "SELECT path, kind FROM guard_touch WHERE job = ? AND side = ? AND kind <> 'moved' AND path IN"
)
_ADD = Insert(
    "INSERT INTO guard_touch (job, side, path, kind, age, run, hash) VALUES",
    "(?, ?, ?, ?, ?, ?, ?)",
    """
    ON CONFLICT (job, side, path) DO UPDATE SET
    kind = excluded.kind, age = excluded.age, run = excluded.run, hash = CASE
    WHEN kind IN ('overwritten', 'lost_type') THEN ''
    WHEN kind = 'deleted' AND hash <> excluded.hash THEN ''
    ELSE excluded.hash END
    """,
)
_SUMS = """
SELECT coalesce(sum(kind <> 'moved'), 0), min(age),
coalesce(sum(kind IN ('overwritten', 'lost_type')), 0), coalesce(sum(kind = 'lost_type'), 0)
FROM guard_touch WHERE job = ? AND side = ?
"""
_GONE = """
SELECT path, kind, hash FROM guard_touch
WHERE job = ? AND side = ? AND path > ? AND kind IN ('deleted', 'moved') AND hash <> ''
ORDER BY path LIMIT ?
"""
_MOVED = Alter("UPDATE guard_touch SET kind = 'moved' WHERE job = ? AND side = ? AND path IN")
_GROW = """
INSERT INTO guard_part (job, side, part, touched, tree) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET touched = touched + excluded.touched, tree = max(tree, excluded.tree)
"""


class WindowSum(NamedTuple):
    """What a window comes to.

    touched    how many paths were deleted or overwritten
    tree       its largest tree
    rewritten  the overwritten ones of those that are kept by their path
    lost       those of them that have lost their type
    """

    touched: int = 0
    tree: int = 0
    rewritten: int = 0
    lost: int = 0


class GuardWindow:
    """What one job has touched lately. `now` is of the retention clock, `side` near or far."""

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job

    def sums(self, side: str, length: float, now: float) -> WindowSum:
        """Sums up the window, and forgets what is older.

        Args:
            side: of what was touched.
            length: of the window, in seconds.
            now: the time.
        """
        where, first = (self._job, side), now - length
        part = int(first // PART)
        with self._database.read() as connection:
            [rows, oldest, rewritten, lost] = connection.execute(_SUMS, where).fetchone()
            [touched, tree, before] = connection.execute(
                "SELECT coalesce(sum(touched), 0), coalesce(max(tree), 0), min(part) "
                "FROM guard_part WHERE job = ? AND side = ?",
                where,
            ).fetchone()
        if (oldest is None or oldest > first) and (before is None or before >= part):
            return WindowSum(rows + touched, tree, rewritten, lost)
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM guard_touch WHERE job = ? AND side = ? AND age <= ?", (*where, first)
            )
            connection.execute(
                "DELETE FROM guard_part WHERE job = ? AND side = ? AND part < ?", (*where, part)
            )
        return self.sums(side, length, now)

    def grow(self, side: str, now: float, tree: int) -> None:
        """Notes how many files the tree has; nothing is written if the window knows so many."""
        part = int(now // PART)
        with self._database.read() as connection:
            known = connection.execute(
                "SELECT 1 FROM guard_part WHERE job = ? AND side = ? AND part = ? AND tree >= ?",
                (self._job, side, part, tree),
            ).fetchone()
        if known is None:
            with self._database.transaction() as connection:
                connection.execute(_GROW, (self._job, side, part, 0, tree))

    def known(self, side: str, paths: Sequence[str]) -> dict[str, Harm]:
        """Those of the paths that the window has, with what was done to them last."""
        with self._database.read() as connection:
            found = _KNOWN(connection, (self._job, side), paths)
            return {path: Harm(kind) for path, kind in found}

    def gone(self, side: str, after: str, limit: int) -> list[Touch]:
        """Up to `limit` deletions of known content, also moves, in the order of their paths."""
        with self._database.read() as connection:
            found = connection.execute(_GONE, (self._job, side, after, limit))
            return [Touch(path, Harm(kind), content) for path, kind, content in found]

    def set_moved(self, side: str, paths: Sequence[str]) -> None:
        """These deletions do not count any more: they were moves."""
        with self._database.transaction() as connection:
            _MOVED(connection, (self._job, side), paths)

    def add(self, side: str, touched: Sequence[Touch], now: float, run: str) -> None:
        """Notes what is touched now, before it is done; what was moved must not be `known`."""
        with self._database.transaction() as connection:
            rows = [(self._job, side, path, harm, now, run, hash) for path, harm, hash in touched]
            _ADD(connection, rows)
            [more] = connection.execute(
                "SELECT count(*) - ? FROM guard_touch WHERE job = ? AND side = ?",
                (MOST, self._job, side),
            ).fetchone()
            if more <= 0:
                return
            oldest = connection.execute(
                "SELECT path, age, kind <> 'moved' FROM guard_touch WHERE job = ? AND side = ? "
                "ORDER BY age LIMIT ?",
                (self._job, side, more),
            ).fetchall()
            for path, age, counts in oldest:
                part = int(age // PART)
                connection.execute(_GROW, (self._job, side, part, counts, 0))
                connection.execute(
                    "DELETE FROM guard_touch WHERE job = ? AND side = ? AND path = ?",
                    (self._job, side, path),
                )
