"""Uploads of a job to somebody else's server of which it is not known whether they arrived.

Each is kept until something is agreed on at its path: what the server has there may be ours.
"""

from collections.abc import Sequence
from typing import Final

from cargo_sync.model.entries import Entry, EntryColumns
from cargo_sync.state.bulk import Alter
from cargo_sync.state.database import Database, Statements

_ANY: Final = "SELECT 1 FROM uncertain_upload WHERE job = ? LIMIT 1"
_END: Final = Alter("DELETE FROM uncertain_upload WHERE job = ? AND path IN")


class UncertainUploads:
    """Of one job. Every method is one transaction."""

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job

    def add(self, uploads: Sequence[tuple[str, Entry]], now: float) -> None:
        """Keeps these, in place of what is kept of their paths.

        Args:
            uploads: path, and the local file as it was sent, with the hash of its content.
            now: by the retention clock.
        """
        with self._database.transaction() as connection:
            for path, sent in uploads:
                connection.execute(
                    "INSERT OR REPLACE INTO uncertain_upload VALUES (?, ?, ?, ?)",
                    (self._job, path, EntryColumns.of([sent]).encode(), now),
                )

    def all(self) -> dict[str, Entry]:
        """What was sent, by path."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT path, sent FROM uncertain_upload WHERE job = ?", (self._job,)
            )
            return {path: EntryColumns.decode(sent).entry(0) for path, sent in rows}

    def end(self, some: Sequence[str]) -> None:
        """What is at these paths is known now."""
        with self._database.transaction() as connection:
            if connection.execute(_ANY, (self._job,)).fetchone() is not None:
                _END(connection, [self._job], some)


def forget(connection: Statements, name: str) -> None:
    """Forgets those of a job whose sides are other ones now."""
    connection.execute(
        "DELETE FROM uncertain_upload WHERE job = (SELECT id FROM job WHERE name = ?)", (name,)
    )


def purge(database: Database, before: float, most: int = 2**62) -> int:
    """Deletes up to `most` that are older than `before` (retention clock); returns how many."""
    with database.transaction() as connection:
        return connection.execute(
            "DELETE FROM uncertain_upload WHERE (job, path) IN "
            "(SELECT job, path FROM uncertain_upload WHERE time < ? LIMIT ?)",
            (before, most),
        ).rowcount
