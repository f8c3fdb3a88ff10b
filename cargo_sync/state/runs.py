"""Runs that did something or failed: when, and how much they moved."""

from typing import Any, Final, NamedTuple

from cargo_sync.model.jobs import LastRun
from cargo_sync.state.database import Database

MOST: Final = 1_000
"""Runs that are kept of each job."""

_COLUMNS: Final = "number, name, run, started, ended, files, bytes, errors, problem"
_ROWS: Final = f"SELECT {_COLUMNS} FROM run JOIN job ON job.id = run.job"  # noqa: S608
_ADD: Final = """
INSERT INTO run (job, run, started, ended, files, bytes, errors, problem)
SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM job WHERE name = ?1
ON CONFLICT (run) DO UPDATE SET ended = excluded.ended, files = excluded.files,
bytes = excluded.bytes, errors = excluded.errors, problem = excluded.problem
"""
_THIN: Final = """
DELETE FROM run WHERE number <= (
SELECT number FROM run WHERE job = (SELECT id FROM job WHERE name = ?1)
ORDER BY number DESC LIMIT 1 OFFSET ?2)
AND job = (SELECT id FROM job WHERE name = ?1)
"""


class RunRow(NamedTuple):
    """One run; numbers grow from run to run.

    started, ended  unix seconds
    problem         why the whole run failed, or ""
    """

    number: int
    job: str
    run: str
    started: float
    ended: float
    files: int
    bytes: int
    errors: int
    problem: str


class RunRows:
    """The runs of a daemon's jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: str, run: LastRun) -> None:
        """Adds a run, and drops the oldest ones of its job if there are too many."""
        values = (run.run, run.started, run.ended, run.files, run.bytes, run.errors, run.problem)
        with self._database.transaction() as connection:
            connection.execute(_ADD, (job, *values))
            connection.execute(_THIN, (job, MOST))

    def page(self, job: str, before: int | None, limit: int) -> list[RunRow]:
        """Up to `limit` runs of a job with numbers below `before`, the newest first."""
        values = (job, 2**62 if before is None else before, limit)
        with self._database.read() as connection:
            rows = connection.execute(
                f"{_ROWS} WHERE name = ? AND number < ? ORDER BY number DESC LIMIT ?", values
            ).fetchall()
        return [_row(row) for row in rows]

    def get(self, run: str) -> RunRow | None:
        """The run with this id."""
        with self._database.read() as connection:
            row = connection.execute(f"{_ROWS} WHERE run = ?", (run,)).fetchone()
        return _row(row) if row else None


def _row(columns: tuple[Any, ...]) -> RunRow:
    return RunRow(*columns)
