"""Logins that every server of several must know: tokens by their digest."""

from typing import Final, NamedTuple

from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database
from cargo_sync.state.revisions import LOGIN

_PUT: Final = put("login", "digest", "user, device, ends")
_GET: Final = "SELECT user, device, ends FROM login WHERE digest = ?"
_TOO_MANY: Final = """
DELETE FROM login WHERE digest IN (
    SELECT digest FROM login WHERE user = ? ORDER BY ends DESC LIMIT 1000000000 OFFSET ?)
"""
_OVER: Final = "DELETE FROM login WHERE ends <= ?"
_CHANGED: Final = "SELECT number FROM revision WHERE name = ?"


class LoginRow(NamedTuple):
    """A login: of whom, with which device ("" for a password), and when it ends, unix seconds."""

    user: str
    device: str
    ends: float


class LoginRows:
    """The logins at all servers that share this state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def changed(self, user: str) -> int:
        """The number of the change that ended a user's logins last; 0 for none."""
        with self._database.apart() as connection:
            row = connection.execute(_CHANGED, (f"{LOGIN}{user}",)).fetchone()
        return 0 if row is None else int(row[0])

    def add(
        self, digest: bytes, row: LoginRow, most: int, now: float, since: int | None = None
    ) -> bool:
        """Adds a login, and forgets those whose time is over `now`, unix seconds.

        Of a user with more than `most`, the oldest end.

        Args:
            digest: of its token.
            row: the login.
            most: logins of a user.
            now: unix seconds.
            since: what `changed` said before it was proved; None: it does not matter.

        Returns:
            False, and nothing is added, if the user's logins have ended since.

        Raises:
            ProblemError: the state cannot be written.
        """
        # Who ends logins has the state alone: it comes before all of this, or after it.
        with self._database.transaction(own=f"logins of {row.user}") as connection:
            if since is not None:
                found = connection.execute(_CHANGED, (f"{LOGIN}{row.user}",)).fetchone()
                if found is not None and found[0] > since:
                    return False
            connection.execute(_PUT, (digest, *row))
            connection.execute(_TOO_MANY, (row.user, most))
        with self._database.apart() as connection:
            connection.execute(_OVER, (now,))
        return True

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
