"""Ids of the large files that sessions get and put, recorded before the first byte, so that they go
on."""

from collections.abc import Callable
from typing import NamedTuple

import orjson

from cargo_sync.model.entries import Entry
from cargo_sync.state.database import Database


class Way(NamedTuple):
    """Between which ends content moves. `verb` is get or put."""

    verb: str
    url: str
    user: str
    workspace: str


class Left(NamedTuple):
    """A transfer that nobody went on with, and the folder below which its part is staged ("" for
    none)."""

    id: str
    root: str


class Orders:
    """The large files that are under way in a daemon's sessions. `now` gives unix seconds."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def transfer_id(
        self, way: Way, far: str, near: str, source: Entry, root: str, make: Callable[[], str]
    ) -> str:
        """The id of the transfer of exactly this version of a source; `make` gives one where there
        is none.

        It is durable when this returns. Another version of the source takes the place of the former
        one.

        Args:
            far: path in the workspace.
            near: absolute path on this machine.
            root: below which it is staged on this machine, or "".
        """
        key, version = (
            (orjson.dumps(tuple(way)).decode(), far, near),
            f"{source.version}/{source.ident}",
        )
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT id FROM session_transfer WHERE way = ? AND far = ? AND near = ? AND source = ?",
                (*key, version),
            ).fetchone()
            id = str(row[0]) if row else make()
            connection.execute(
                "INSERT OR REPLACE INTO session_transfer VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, version, id, root, self._now()),
            )
            return id

    def done(self, id: str) -> None:
        """The file is committed, or will never be."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM session_transfer WHERE id = ?", (id,))

    def purge(self, before: float) -> list[Left]:
        """Drops those not ordered since `before` (unix s) that have no checkpoint; they are
        returned."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT id, root FROM session_transfer WHERE touched < ? "
                "AND id NOT IN (SELECT transfer FROM checkpoint) ORDER BY id",
                (before,),
            ).fetchall()
            for id, _ in rows:
                connection.execute("DELETE FROM session_transfer WHERE id = ?", (id,))
        return [Left(*row) for row in rows]
