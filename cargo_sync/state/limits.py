"""Limits that a command set in place of those in a file."""

from collections.abc import Mapping

from cargo_sync.model.limits import Ordered
from cargo_sync.state.database import Database


class LimitRows:
    """Limits by name, for a job (its number) or for the daemon or server itself (None)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, job: int | None) -> dict[str, Ordered]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT name, bits, file FROM ordered_limit WHERE coalesce(job, 0) = ?", (job or 0,)
            ).fetchall()
        return {name: Ordered(bits, file) for name, bits, file in rows}

    def set(self, job: int | None, orders: Mapping[str, Ordered | None]) -> None:
        """Stores these, all or none; None deletes one. Others stay."""
        with self._database.transaction() as connection:
            for name, ordered in orders.items():
                connection.execute(
                    "DELETE FROM ordered_limit WHERE name = ? AND coalesce(job, 0) = ?",
                    (name, job or 0),
                )
                if ordered is not None:
                    connection.execute(
                        "INSERT INTO ordered_limit (name, job, bits, file) VALUES (?, ?, ?, ?)",
                        (name, job, *ordered),
                    )
