"""Logins that every server of several must know: tokens by their digest."""

from typing import Final, NamedTuple

from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

_PUT: Final = put("login", "digest", "user, device, ends")
_GET: Final = "SELECT user, device, ends FROM login WHERE digest = ?"
_TOO_MANY: Final = """
DELETE FROM login WHERE digest IN (
    SELECT digest FROM login WHERE user = ? ORDER BY ends DESC LIMIT 1000000000 OFFSET ?)
"""
_OVER: Final = "DELETE FROM login WHERE ends <= ?"


class LoginRow(NamedTuple):
    """A login: of whom, with which device ("" for a password), and when it ends, unix seconds."""

    user: str
    device: str
    ends: float


class LoginRows:
    """The logins at all servers that share this state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, digest: bytes, row: LoginRow, most: int, now: float) -> None:
        """Adds a login, and forgets those whose time is over `now`, unix seconds.

        Of a user with more than `most`, the oldest end.

        Raises:
            ProblemError: the state cannot be written.
        """
        with self._database.apart() as connection:
            connection.execute(_PUT, (digest, *row))
            connection.execute(_TOO_MANY, (row.user, most))
            connection.execute(_OVER, (now,))

    def get(self, digest: bytes) -> LoginRow | None:
        """The login of a token, or None. Raises ProblemError."""
        with self._database.apart() as connection:
            row = connection.execute(_GET, (digest,)).fetchone()
        return None if row is None else LoginRow(*row)

    def end(self, digest: bytes) -> None:
        """Ends a login. Raises ProblemError."""
        with self._database.apart() as connection:
            connection.execute("DELETE FROM login WHERE digest = ?", (digest,))

    def end_of(self, user: str) -> None:
        """Ends all logins of a user. Raises ProblemError."""
        with self._database.apart() as connection:
            connection.execute("DELETE FROM login WHERE user = ?", (user,))
