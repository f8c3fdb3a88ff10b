"""Uploads in pieces: the files that users of a server have begun to send and not finished.

A row says what is sent, and where to. What has arrived is a checkpoint (`state/checkpoints.py`)
with the same id.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any, Final

from cargo_sync.state.database import Database

USED: Final = 3_600.0
"""Seconds after which it is written again that an upload is used."""

_ADD: Final = "INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_GET: Final = """
SELECT id, user, space, workspace, path, size, mtime_ns, expected FROM upload WHERE id = ?
"""
_OF: Final = """
SELECT id, user, space, workspace, path, size, mtime_ns, expected FROM upload
WHERE user = ? ORDER BY used DESC, id
"""
_PURGE: Final = "DELETE FROM upload WHERE id IN (SELECT id FROM upload WHERE used < ? LIMIT ?)"


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One file that is being sent.

    id         also that of its transfer
    space      the workspace in the catalogue
    workspace  the name that the user has for it
    size       bytes
    expected   the version that it shall replace; 0 for none
    """

    id: str
    user: str
    space: int
    workspace: str
    path: str
    size: int
    mtime_ns: int
    expected: int


class UploadRows:
    """The unfinished uploads of a server; `lived` is the retention clock."""

    def __init__(self, database: Database, lived: Callable[[], float]) -> None:
        self._database = database
        self._lived = lived

    def add(self, row: UploadRow, most: int) -> bool:
        """Notes an upload, durably; False, and nothing is noted, if its user has `most` already.

        Raises:
            ProblemError: the state cannot be written.
        """
        with self._database.transaction(own=f"uploads of {row.user}") as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM upload WHERE user = ?", (row.user,)
            ).fetchone()
            if count >= most:
                return False
            connection.execute(_ADD, (*astuple(row), self._lived()))
            return True

    def get(self, id: str) -> UploadRow | None:
        """The upload with this id, whoever's it is."""
        with self._database.read() as connection:
            row: tuple[Any, ...] | None = connection.execute(_GET, (id,)).fetchone()
        return UploadRow(*row) if row else None

    def of(self, user: str) -> list[UploadRow]:
        """A user's uploads, the one used last first."""
        with self._database.read() as connection:
            return [UploadRow(*row) for row in connection.execute(_OF, (user,))]

    def use(self, id: str) -> None:
        """Notes that an upload goes on. It is written once an hour."""
        now = self._lived()
        with self._database.read() as connection:
            row = connection.execute("SELECT used FROM upload WHERE id = ?", (id,)).fetchone()
        if row is not None and now - row[0] >= USED:
            with self._database.transaction(own=f"upload {id}") as connection:
                connection.execute("UPDATE upload SET used = ? WHERE id = ?", (now, id))

    def expect(self, id: str, version: int) -> None:
        """Notes that an upload is to replace another version."""
        with self._database.transaction(own=f"upload {id}") as connection:
            connection.execute("UPDATE upload SET expected = ? WHERE id = ?", (version, id))

    def drop(self, id: str) -> None:
        """Forgets an upload: it is published or given up."""
        with self._database.transaction(own=f"upload {id}") as connection:
            connection.execute("DELETE FROM upload WHERE id = ?", (id,))

    def purge(self, before: float, most: int) -> int:
        """Deletes up to `most` of those that were not used since `before`; returns how many."""
        with self._database.transaction() as connection:
            return connection.execute(_PURGE, (before, most)).rowcount
