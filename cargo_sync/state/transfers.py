"""Ids of the transfers of large files, recorded before the first byte, so that they survive a kill."""

from collections.abc import Callable

from cargo_sync.state.database import Database


class Transfers:
    """The large files that are under way in a daemon's jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def transfer_id(self, job: int, path: str, version: int, ident: int, make: Callable[[], str]) -> str:
        """The id of the transfer of exactly this version of a source; `make` gives one where there is none.

        It is durable when this returns. Another version of the source takes the place of the former one.
        """
        source = f"{version}/{ident}"
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT id FROM transfer WHERE job = ? AND path = ? AND source = ?", (job, path, source)
            ).fetchone()
            if row:
                return str(row[0])
            made = make()
            connection.execute(
                "INSERT OR REPLACE INTO transfer VALUES (?, ?, ?, ?)", (job, path, source, made)
            )
            return made

    def done(self, job: int, path: str) -> None:
        """The file is committed, or will never be."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM transfer WHERE job = ? AND path = ?", (job, path))
