"""What was found out about somebody else's servers by asking them."""

from collections.abc import Callable
from typing import NamedTuple

from cargo_sync.state.database import Database


class Finding(NamedTuple):
    """What was found out about one place.

    place   such as the address of a bucket
    server  what its server called itself then
    found   in a form of its protocol
    age     seconds since then, by the retention clock
    """

    place: str
    server: str
    found: str
    age: float = 0.0


class Findings:
    """What a daemon has found out; `now` reads the retention clock. Calls raise ProblemError."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def get(self, place: str) -> Finding | None:
        """What was found out about a place."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT place, server, found, since FROM finding WHERE place = ?", (place,)
            ).fetchone()
        return Finding(row[0], row[1], row[2], self._now() - row[3]) if row else None

    def put(self, finding: Finding) -> None:
        """Keeps what was found out now, in place of what was known; its age begins."""
        row = (*finding[:3], self._now())
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO finding VALUES (?, ?, ?, ?)", row)

    def purge(self, before: float, most: int = 2**62) -> int:
        """Deletes up to `most` of those put before `before` (retention clock); returns how many."""
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM finding WHERE place IN "
                "(SELECT place FROM finding WHERE since < ? LIMIT ?)",
                (before, most),
            ).rowcount
