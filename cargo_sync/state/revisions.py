"""What has changed of that which servers keep in memory, counted by the database."""

from typing import Final, NamedTuple

from cargo_sync.state.database import Database

ROSTER: Final = "roster"
LIMITS: Final = "limits"
LOGIN: Final = "login:"

_SINCE: Final = "SELECT name, number FROM revision WHERE number > ? OR name = ''"


class Changed(NamedTuple):
    """What has changed since a number.

    newest  the number of the last change
    roster  users, workspaces, grants or quotas
    limits  the number of the last change of the bandwidth that a command set, or 0
    users   those whose logins ended
    """

    newest: int = 0
    roster: bool = False
    limits: int = 0
    users: frozenset[str] = frozenset()


class Revisions:
    """The changes of a state that several servers share."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, number: int) -> Changed:
        """What has changed after a number. Raises ProblemError."""
        with self._database.apart() as connection:
            rows = dict(connection.execute(_SINCE, (number,)).fetchall())
        newest = rows.pop("", 0)
        users = frozenset(name.removeprefix(LOGIN) for name in rows if name.startswith(LOGIN))
        return Changed(newest, ROSTER in rows, rows.get(LIMITS, 0), users)
