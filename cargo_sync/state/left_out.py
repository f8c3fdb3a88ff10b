"""Names of the far side that cannot be used here, such as `..` or one that is too long.

A server reports a change once. So what is left out of it is kept, and each look tells it again
until it is gone. A hostile server may send any number of them: the first 100 of a job are kept.
"""

from collections.abc import Sequence
from typing import Final

from cargo_sync.model.problems import Code, Problem
from cargo_sync.state.database import Statements

MOST: Final = 100


class LeftOut:
    """The left-out names of one job, inside an open transaction."""

    def __init__(self, connection: Statements, job: int) -> None:
        self._connection = connection
        self._job = job

    def note(self, refused: Sequence[tuple[str, Problem | None]]) -> None:
        """Stores paths that cannot be used, each with the reason; None: it is gone."""
        for path, problem in refused:
            if problem is None:
                self._forget(path)
            else:
                self._connection.execute(
                    "INSERT INTO left_out SELECT ?1, ?2, ?3, ?4 WHERE ?5 > "
                    "(SELECT count(*) FROM left_out WHERE job = ?1) "
                    "ON CONFLICT (job, path) DO UPDATE SET message = ?3, hint = ?4",
                    (self._job, path, problem.message, problem.hint, MOST),
                )

    def forget(self, gone: Sequence[str]) -> None:
        """Forgets what is at and below these paths; "" is everything."""
        if gone and self.problems():
            for path in gone:
                self._forget(path)

    def problems(self) -> list[Problem]:
        """What is left out now."""
        rows = self._connection.execute(
            "SELECT path, message, hint FROM left_out WHERE job = ? ORDER BY path", (self._job,)
        )
        return [
            Problem(Code.BAD_PATH, message, path, hint, retry=False) for path, message, hint in rows
        ]

    def _forget(self, path: str) -> None:
        self._connection.execute(
            "DELETE FROM left_out WHERE job = ?1 AND (?2 IN ('', path) "
            "OR substr(path, 1, length(?2) + 1) = ?2 || '/')",
            (self._job, path),
        )
