"""Limits that were set by command, each beside what the file said at the time."""

from dataclasses import dataclass

from cargo_sync.state.database import Database


@dataclass(frozen=True, slots=True)
class Override:
    """One limit, bits a second; None is no limit. It holds for as long as the file says the same."""

    of_file: int | None
    value: int | None


class Overrides:
    """Overrides by the limit's name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Override]:
        with self._database.read() as connection:
            rows = connection.execute("SELECT name, of_file, value FROM limit_override").fetchall()
        return {name: Override(of_file, value) for name, of_file, value in rows}

    def replace(self, overrides: dict[str, Override]) -> None:
        """Keeps these, and none but these."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM limit_override")
            for name, one in overrides.items():
                connection.execute(
                    "INSERT INTO limit_override VALUES (?, ?, ?)", (name, one.of_file, one.value)
                )
