"""Replies to commands that changed something, so that a command that is sent twice is done once."""

from collections.abc import Callable
from typing import Final

from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

_PUT: Final = put("reply", "id", "reply, time")


class Replies:
    """Replies by request id. `now` reads the retention clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def get(self, id: str) -> bytes | None:
        """The reply that was stored for `id`, as it was sent; None if there is none."""
        with self._database.read() as connection:
            row = connection.execute("SELECT reply FROM reply WHERE id = ?", (id,)).fetchone()
        return row[0] if row else None

    def put(self, id: str, reply: bytes) -> None:
        """Stores `reply` in place of an earlier one for this id; durable when this returns."""
        with self._database.transaction(own=f"reply {id}") as connection:
            connection.execute(_PUT, (id, reply, self._now()))

    def purge(self, keep: float = 86_400.0, most: int = 2**62) -> int:
        """Deletes up to `most` replies older than `keep` seconds; returns how many."""
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM reply WHERE id IN (SELECT id FROM reply WHERE time < ? LIMIT ?)",
                (self._now() - keep, most),
            ).rowcount
