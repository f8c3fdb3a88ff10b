"""Ids of the large files that sessions get and put, stored before the first byte so they resume."""

from collections.abc import Callable
from typing import NamedTuple

import orjson

from cargo_sync.model.entries import Entry
from cargo_sync.model.transfers import succeeding
from cargo_sync.state.database import Database


class Way(NamedTuple):
    """The two ends of a transfer. `verb` is get or put."""

    verb: str
    url: str
    user: str
    workspace: str


class Left(NamedTuple):
    """A transfer that was not continued, and the folder of its staged part ("" for none)."""

    id: str
    root: str


class Orders:
    """The large files in transfer in a daemon's sessions. `now` reads the retention clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def transfer_id(
        self, way: Way, far: str, near: str, source: Entry, root: str, make: Callable[[], str]
    ) -> str:
        """The id of the transfer of exactly this version of a source.

        It is durable when this returns. Another version of the source replaces the earlier one:
        its id succeeds that one.

        Args:
            way: the two ends.
            far: path in the workspace.
            near: absolute path on this machine.
            source: the entry of the source.
            root: the folder in which it is staged on this machine, or "".
            make: makes a new id, if there is none.
        """
        key, version = (
            (orjson.dumps(tuple(way)).decode(), far, near),
            f"{source.version}/{source.ident}",
        )
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT id, source FROM session_transfer WHERE way = ? AND far = ? AND near = ?",
                key,
            ).fetchone()
            if row is None:
                id = make()
            else:
                id = row[0] if row[1] == version else succeeding(row[0], make())
            connection.execute(
                "INSERT OR REPLACE INTO session_transfer VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, version, id, root, self._now()),
            )
            return id

    def done(self, id: str) -> None:
        """Drops an id: the file is committed, or never will be."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM session_transfer WHERE id = ?", (id,))

    def purge(self, before: float, most: int = 2**62) -> list[Left]:
        """Drops and returns up to `most` last used before `before` that have no checkpoint."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT way, far, near, id, root FROM session_transfer WHERE touched < ? "
                "AND id NOT IN (SELECT transfer FROM checkpoint) LIMIT ?",
                (before, most),
            ).fetchall()
            for *key, _, _ in rows:
                connection.execute(
                    "DELETE FROM session_transfer WHERE way = ? AND far = ? AND near = ?", key
                )
        return [Left(*row[3:]) for row in rows]
