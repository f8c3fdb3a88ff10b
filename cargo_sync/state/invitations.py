"""Invitations that nobody has used yet. Their times are readings of the retention clock."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cargo_sync.state.database import Database

_COLUMNS: Final = "SELECT id, user, token, made, ends FROM invitation"
_OPEN: Final = f"{_COLUMNS} WHERE ends > ? ORDER BY ends, id"
_OF: Final = f"{_COLUMNS} WHERE user = ? AND ends > ?"
_PURGE: Final = """
DELETE FROM invitation WHERE id IN (SELECT id FROM invitation WHERE ends <= ? LIMIT ?)
"""


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """One invitation.

    id     names it to people; it does not let anybody in
    token  SHA-256 of what does
    """

    id: str
    user: str
    token: bytes = field(repr=False)
    made: float
    ends: float


class InvitationRows:
    """The invitations of a server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: InvitationRow) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO invitation (id, user, token, made, ends) VALUES (?, ?, ?, ?, ?)",
                (row.id, row.user, row.token, row.made, row.ends),
            )

    def open(self, now: float) -> list[InvitationRow]:
        """Those that can still be used, the next to end first."""
        with self._database.read() as connection:
            return [InvitationRow(*row) for row in connection.execute(_OPEN, (now,))]

    def has(self, user: str, token: bytes, now: float) -> bool:
        """Whether the user has an open invitation with this digest of its token."""
        return self._found(user, token, now) is not None

    def use(self, user: str, token: bytes, now: float, then: Callable[[], object]) -> bool:
        """Uses an invitation up, in one transaction with what `then` writes.

        Returns:
            Whether there was one: of two who use the same one, one gets False.
        """
        with self._database.transaction():
            found = self._found(user, token, now)
            if found is None:
                return False
            self.revoke(found.id)
            then()
            return True

    def revoke(self, id: str) -> bool:
        """Deletes an invitation; whether there was one."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM invitation WHERE id = ?", (id,)).rowcount > 0

    def purge(self, now: float, most: int) -> int:
        """Deletes up to `most` of those that have ended; returns how many."""
        with self._database.transaction() as connection:
            return connection.execute(_PURGE, (now, most)).rowcount

    def _found(self, user: str, token: bytes, now: float) -> InvitationRow | None:
        with self._database.read() as connection:
            own = [InvitationRow(*row) for row in connection.execute(_OF, (user, now))]
        return next((row for row in own if hmac.compare_digest(row.token, token)), None)
