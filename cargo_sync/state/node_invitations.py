"""Invitations for storage nodes, which nobody has used yet. Times are of the retention clock."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from cargo_sync.state.database import Database

T = TypeVar("T")

_FOUND: Final = "SELECT name, zone, token, made, ends FROM node_invitation WHERE name = ?"


@dataclass(frozen=True, slots=True)
class NodeInvitationRow:
    """One invitation.

    name   that the node will have
    zone   that it will be in; "" for one of its own
    token  SHA-256 of what lets it join
    """

    name: str
    zone: str
    token: bytes = field(repr=False)
    made: float
    ends: float


class NodeInvitationRows:
    """The invitations of a server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: NodeInvitationRow) -> None:
        """Adds an invitation, in the place of an earlier one; those that have ended go."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM node_invitation WHERE ends <= ? OR name = ?", (row.made, row.name)
            )
            connection.execute(
                "INSERT INTO node_invitation (name, zone, token, made, ends)"
                " VALUES (?, ?, ?, ?, ?)",
                (row.name, row.zone, row.token, row.made, row.ends),
            )

    def has(self, name: str, token: bytes, now: float) -> bool:
        """Whether there is an open invitation for this name with this digest of its token."""
        return self._found(name, token, now) is not None

    def use(
        self, name: str, token: bytes, now: float, then: Callable[[NodeInvitationRow], T]
    ) -> T | None:
        """Uses an invitation up, in one transaction with what `then` writes.

        Returns:
            What `then` returns; None if there is none: of two who use the same one, one gets it.
        """
        with self._database.transaction() as connection:
            found = self._found(name, token, now)
            if found is None:
                return None
            connection.execute("DELETE FROM node_invitation WHERE name = ?", (name,))
            return then(found)

    def _found(self, name: str, token: bytes, now: float) -> NodeInvitationRow | None:
        with self._database.read() as connection:
            row = connection.execute(_FOUND, (name,)).fetchone()
        if row is None or row[4] <= now or not hmac.compare_digest(row[2], token):
            return None
        return NodeInvitationRow(*row)
