"""Files that came by the backup protocol: the id, the user and the path of each."""

from typing import NamedTuple

from cargo_sync.state.database import Database


class BackupFile(NamedTuple):
    """One file.

    path  in the workspace of its user
    name  that the sender gave it
    """

    id: str
    path: str
    name: str


class BackupFiles:
    """The backup files of a server's users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user: str, backup: BackupFile, time: float) -> bool:
        """Records a file; returns False, and writes nothing, when the id is taken."""
        with self._database.transaction() as connection:
            row = (backup.id, user, backup.path, backup.name, time)
            done = connection.execute(
                "INSERT INTO backup VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row
            )
            return done.rowcount == 1

    def get(self, user: str, id: str) -> BackupFile | None:
        """The user's file with this id; None also when it belongs to another user."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT id, path, name FROM backup WHERE id = ? AND user = ?", (id, user)
            ).fetchone()
        return BackupFile(*row) if row else None

    def of(self, user: str) -> list[BackupFile]:
        """All files of a user, the newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, path, name FROM backup WHERE user = ? ORDER BY time DESC, id", (user,)
            ).fetchall()
        return [BackupFile(*row) for row in rows]

    def forget(self, user: str, ids: list[str]) -> None:
        """Drops the rows of files that are not there any more."""
        with self._database.transaction() as connection:
            for id in ids:
                connection.execute("DELETE FROM backup WHERE id = ? AND user = ?", (id, user))
