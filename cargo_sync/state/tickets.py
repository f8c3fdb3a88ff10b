"""Downloads by address that were asked for at one of several servers."""

from typing import Final, NamedTuple

import orjson

from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

_COLUMNS: Final = "user, workspace, paths, version, name, login, ends, started"
_PUT: Final = put("ticket", "digest", _COLUMNS)
_GET: Final = f"SELECT {_COLUMNS} FROM ticket WHERE digest = ?"  # noqa: S608
_TOO_MANY: Final = """
DELETE FROM ticket WHERE digest IN (
    SELECT digest FROM ticket WHERE user = ? ORDER BY ends DESC LIMIT 1000000000 OFFSET ?)
"""


class TicketRow(NamedTuple):
    """A ticket; `ends` in unix seconds, `login` is the digest of its token."""

    user: str
    workspace: str
    paths: tuple[str, ...]
    version: int | None
    name: str
    login: bytes
    ends: float
    started: bool


class TicketRows:
    """The tickets of all servers that share this state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, digest: bytes, row: TicketRow, most: int, now: float) -> None:
        """Keeps a ticket, and forgets those whose time is over `now`, unix seconds.

        Of a user with more than `most`, the oldest go.

        Raises:
            ProblemError: the state cannot be written.
        """
        user, workspace, paths, *others, started = row
        columns = (user, workspace, orjson.dumps(paths).decode(), *others, int(started))
        with self._database.apart() as connection:
            connection.execute(_PUT, (digest, *columns))
            connection.execute(_TOO_MANY, (row.user, most))
            connection.execute("DELETE FROM ticket WHERE ends <= ?", (now,))

    def get(self, digest: bytes) -> TicketRow | None:
        """The ticket of a secret, or None. Raises ProblemError."""
        with self._database.apart() as connection:
            row = connection.execute(_GET, (digest,)).fetchone()
        if row is None:
            return None
        user, workspace, paths, version, name, login, ends, started = row
        known = tuple(map(str, orjson.loads(paths)))
        return TicketRow(user, workspace, known, version, name, bytes(login), ends, bool(started))
