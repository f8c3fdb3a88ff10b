"""When each user of a server was there last."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

_PUT: Final = put("presence", "user", "time, address")


class LastSeen(NamedTuple):
    """When a user was there last, unix seconds, and the address of their client."""

    time: float
    address: str


class PresenceRows:
    """The users of a server, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, seen: Mapping[str, LastSeen]) -> None:
        """Notes some users."""
        with self._database.transaction(own="presence") as connection:
            for user, one in seen.items():
                connection.execute(_PUT, (user, *one))

    def get(self, user: str) -> LastSeen | None:
        """When a user was there last; None if they never were."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT time, address FROM presence WHERE user = ?", (user,)
            ).fetchone()
        return None if row is None else LastSeen(*row)

    def remove(self, user: str) -> None:
        """Forgets a user."""
        with self._database.transaction(own="presence") as connection:
            connection.execute("DELETE FROM presence WHERE user = ?", (user,))
