"""Accounts: the argon2 hash of each user's password, and nothing that gives the password away."""

from typing import Final

from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

NO_PASSWORD: Final = "!"  # noqa: S105 - the opposite of one
"""In place of the hash of a user who has not chosen a password yet; it is no hash of any."""
PUT_ACCOUNT: Final = put("account", "name", "hash")


class Accounts:
    """The users of a server, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        """The user's argon2 hash, or None."""
        with self._database.read() as connection:
            row = connection.execute("SELECT hash FROM account WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set(self, name: str, hash: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(PUT_ACCOUNT, (name, hash))

    def remove(self, name: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM account WHERE name = ?", (name,))
