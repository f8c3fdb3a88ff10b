"""Transfers: ids of those of large files, recorded before the first byte, so that they survive a kill; and
those that a person cancelled, which are left alone.
"""

from collections.abc import Callable, Sequence

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

    def put_off(self, job: int, path: str, source: tuple[int, int]) -> None:
        """A person cancelled the transfer of this source (version, ident): what is known of it goes."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM transfer WHERE job = ? AND path = ?", (job, path))
            connection.execute("INSERT OR REPLACE INTO cancelled VALUES (?, ?, ?, ?)", (job, path, *source))

    def all_put_off(self, job: int) -> list[tuple[str, tuple[int, int]]]:
        """(path, source) of everything that was put off and not taken up again, by path."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT path, version, ident FROM cancelled WHERE job = ? ORDER BY path", (job,)
            )
            return [(path, (version, ident)) for path, version, ident in rows]

    def take_up(self, job: int, paths: Sequence[str]) -> None:
        """They were tried again, or there is nothing to try any more."""
        with self._database.transaction() as connection:
            for path in paths:
                connection.execute("DELETE FROM cancelled WHERE job = ? AND path = ?", (job, path))
