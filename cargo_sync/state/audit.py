"""The audit: who changed what, kept for 400 days."""

from collections.abc import Callable
from typing import Final, NamedTuple

from cargo_sync.state.database import Database

KEPT: Final = 400 * 86_400.0
MOST: Final = 1_000_000

_PRUNE_OLD = """
DELETE FROM audit WHERE number < coalesce(
    (SELECT number FROM audit WHERE lived >= ? ORDER BY number LIMIT 1), 9223372036854775807)
"""
_PRUNE_MANY = "DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?"

_COLUMNS = "number, time, who, command, args, outcome"


class AuditRow(NamedTuple):
    """One command that changed something.

    who      the user and process of a local socket, the name of a key, or the plain port
    args     a JSON object, without secrets
    outcome  ok, an error's code, or "" when the process ended before the command did
    """

    number: int
    time: float
    who: str
    command: str
    args: str
    outcome: str


class AuditTable:
    """The audit of a daemon or a server.

    wall   gives unix seconds, for people
    lived  reads the retention clock, for what is too old
    """

    def __init__(
        self, database: Database, wall: Callable[[], float], lived: Callable[[], float]
    ) -> None:
        self._database = database
        self._wall = wall
        self._lived = lived

    def begin(self, who: str, command: str, args: str) -> int:
        """Writes a row, durable when this returns; returns its number."""
        with self._database.transaction() as connection:
            [(number,)] = connection.execute(
                "INSERT INTO audit (time, lived, who, command, args) VALUES (?, ?, ?, ?, ?) "
                "RETURNING number",
                (self._wall(), self._lived(), who, command, args),
            ).fetchall()
        return int(number)

    def end(self, number: int, outcome: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE audit SET outcome = ? WHERE number = ?", (outcome, number))

    def since(self, number: int, limit: int) -> list[AuditRow]:
        """Up to `limit` rows after `number`, oldest first."""
        with self._database.read() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM audit WHERE number > ? ORDER BY number LIMIT ?",  # noqa: S608
                (number, limit),
            )
            return [AuditRow(*row) for row in found]

    def last(self, limit: int) -> list[AuditRow]:
        """The newest `limit` rows, oldest first."""
        with self._database.read() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM audit ORDER BY number DESC LIMIT ?",  # noqa: S608
                (limit,),
            )
            return [AuditRow(*row) for row in found][::-1]

    def prune(self, keep: float = KEPT, most: int = MOST) -> None:
        """Deletes rows older than `keep` seconds, and all but the newest `most`."""
        with self._database.transaction() as connection:
            connection.execute(_PRUNE_OLD, (self._lived() - keep,))
            connection.execute(_PRUNE_MANY, (most,))
