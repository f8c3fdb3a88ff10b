"""Limits that an order set in place of what a file says."""

from typing import NamedTuple

from cargo_sync.state.database import Database


class Ordered(NamedTuple):
    """One. `bits` a second, None is no limit; `file` is what the file said when it was ordered, as JSON."""

    bits: int | None
    file: str


class Limits:
    """By name, of a job (its number) or of the daemon itself (None)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str, job: int | None) -> Ordered | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT bits, file FROM ordered_limit WHERE name = ? AND job IS ?", (name, job)
            ).fetchone()
        return Ordered(*row) if row else None

    def set(self, name: str, job: int | None, ordered: Ordered | None) -> None:
        """None forgets it."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM ordered_limit WHERE name = ? AND job IS ?", (name, job))
            if ordered is not None:
                connection.execute(
                    "INSERT INTO ordered_limit (name, job, bits, file) VALUES (?, ?, ?, ?)",
                    (name, job, *ordered),
                )
