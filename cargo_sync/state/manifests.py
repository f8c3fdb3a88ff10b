"""Manifests: what versions in the trash hold of a workspace that has no folder.

Rows are written in the transaction that displaces the version, and deleted in the one that restores
or frees it. What a part means is not known here.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cargo_sync.state.bulk import Alter, Insert
from cargo_sync.state.database import Database

_TOPS: Final = Insert(
    "INSERT INTO manifest_top (workspace, place, mode, target) VALUES",
    "(?, ?, ?, ?)",
    "ON CONFLICT (workspace, place) DO UPDATE SET mode = excluded.mode, target = excluded.target",
)
_DROP: Final = Alter("DELETE FROM manifest WHERE workspace = ? AND place IN")
_DROP_TOPS: Final = Alter("DELETE FROM manifest_top WHERE workspace = ? AND place IN")


class Manifests:
    """The manifests of one workspace's trash. Any thread may call it."""

    def __init__(self, database: Database, workspace: int) -> None:
        self._database = database
        self._workspace = workspace

    def keep(self, place: str, parts: Iterable[bytes]) -> None:
        """Writes the manifest of a version."""
        with self._database.transaction(self._workspace) as connection:
            for columns in parts:
                connection.execute(
                    "INSERT INTO manifest (workspace, place, columns) VALUES (?, ?, ?)",
                    (self._workspace, place, columns),
                )

    def keep_tops(self, tops: Sequence[tuple[str, int, str]]) -> None:
        """Notes the mode and the link target of versions, by place."""
        if tops:
            with self._database.transaction(self._workspace) as connection:
                _TOPS(connection, [(self._workspace, *top) for top in tops])

    def top(self, place: str) -> tuple[int, str] | None:
        """The mode and the link target of a version; None if nothing is noted."""
        with self._database.read() as connection:
            found: tuple[int, str] | None = connection.execute(
                "SELECT mode, target FROM manifest_top WHERE workspace = ? AND place = ?",
                (self._workspace, place),
            ).fetchone()
        return found

    def of(self, place: str) -> Iterator[bytes]:
        """The parts of a manifest, in order."""
        last = 0
        while True:
            with self._database.read() as connection:
                found = connection.execute(
                    "SELECT number, columns FROM manifest "
                    "WHERE workspace = ? AND place = ? AND number > ? ORDER BY number LIMIT 1",
                    (self._workspace, place, last),
                ).fetchone()
            if found is None:
                return
            last, columns = found
            yield columns

    def drop(self, places: Sequence[str]) -> None:
        """Deletes the manifests of these versions."""
        if places:
            with self._database.transaction(self._workspace) as connection:
                _DROP(connection, (self._workspace,), places)
                _DROP_TOPS(connection, (self._workspace,), places)

    def after(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        """Up to `limit` parts of all manifests with greater numbers."""
        with self._database.read(long=True) as connection:
            return connection.execute(
                "SELECT number, columns FROM manifest "
                "WHERE workspace = ? AND number > ? ORDER BY number LIMIT ?",
                (self._workspace, number, limit),
            ).fetchall()
