"""Clients of a server: the jobs that it has met, each with the last state that it came with.

Everybody who may read can make rows. So the rows of a user are limited: beyond that, the one that
was not used for the longest time goes.
"""

from collections.abc import Callable
from typing import Any, Final

from cargo_sync.machines.client_fence import ClientProcess, FencedError, JobClient, fence
from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database, Statements

MOST: Final = 10_000
"""Rows of a user."""
AGED: Final = 86_400.0
"""Seconds after which it is written again that a row is used."""

_GET: Final = "SELECT id, starts, records, nonce, place, used FROM client WHERE user = ? AND id = ?"
_PUT: Final = put("client", "user, id", "starts, records, nonce, place, used")
_DROP: Final = """
DELETE FROM client WHERE user = ?1 AND id IN (
    SELECT id FROM client WHERE user = ?1 ORDER BY used DESC LIMIT 1000000000 OFFSET ?2)
"""
_PURGE: Final = """
DELETE FROM client WHERE (user, id) IN (SELECT user, id FROM client WHERE used < ? LIMIT ?)
"""


class Clients:
    """The clients of a server; `lived` is the retention clock."""

    def __init__(self, database: Database, lived: Callable[[], float]) -> None:
        self._database = database
        self._lived = lived

    def meet(self, user: str, client: JobClient) -> None:
        """Notes a job of a user as it comes now. One that is known as it is writes nothing.

        Raises:
            FencedError: it does not come with its last state; nothing is noted.
            ProblemError: the state cannot be written.
        """
        now = self._lived()
        with self._database.read() as connection:
            known, used = _known(connection, user, client.id)
        if known == client and now - used < AGED:
            return
        with self._database.transaction(own=f"clients of {user}") as connection:
            known, _ = _known(connection, user, client.id)
            if known is not None and (fenced := fence(known, client)):
                raise FencedError(fenced)
            if known is not None:  # requests may overtake each other
                client = client._replace(records=max(client.records, known.records))
            _, starts, records, process = client
            connection.execute(_PUT, (user, client.id, starts, records, *process, now))
            if known is None:
                connection.execute(_DROP, (user, MOST))

    def purge(self, before: float, most: int) -> int:
        """Deletes up to `most` of those that were not used since `before`; returns how many."""
        with self._database.transaction() as connection:
            return connection.execute(_PURGE, (before, most)).rowcount


def _known(connection: Statements, user: str, id: str) -> tuple[JobClient | None, float]:
    row: tuple[Any, ...] | None = connection.execute(_GET, (user, id)).fetchone()
    if row is None:
        return None, 0.0
    found, starts, records, nonce, place, used = row
    return JobClient(found, starts, records, ClientProcess(nonce, place)), used
