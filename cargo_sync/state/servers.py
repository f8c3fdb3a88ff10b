"""The servers that share this state: a row for each, which it writes itself, once a second.

Only `draining` is written by others: it is the life that shall end.
"""

from typing import Final, NamedTuple

from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

_OWN: Final = (
    "name, life, address, lanes, version, fingerprint, started, seen, beat, figures, flows, claims"
)
_PUT: Final = put("server", "id", _OWN)
_ALL: Final = f"SELECT id, {_OWN}, draining FROM server ORDER BY name, id"  # noqa: S608


class ServerRow(NamedTuple):
    """A server.

    id           of its state folder
    life         marks one start of it; "" when it has ended in order
    address      of its API, for others
    lanes        host and port of its data port
    fingerprint  of its certificate, or ""
    started, seen  unix seconds, by its own clock: for people, others do not compare them
    beat         counts up as long as it lives
    figures, flows, claims  JSON: what it has to do now, and what it wants of shared limits
    draining     the life that shall end, or ""
    """

    id: str
    name: str
    life: str
    address: str = ""
    lanes: str = ""
    version: str = ""
    fingerprint: str = ""
    started: float = 0.0
    seen: float = 0.0
    beat: int = 0
    figures: str = "{}"
    flows: str = "[]"
    claims: str = "{}"
    draining: str = ""


class ServerRows:
    """The rows of all servers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: ServerRow) -> None:
        """Writes a server's own row, but for `draining`.

        Raises:
            ProblemError: it cannot be written.
        """
        with self._database.pulse() as connection:
            connection.execute(_PUT, row[:-1])

    def all(self) -> list[ServerRow]:
        """All rows, by name. Raises ProblemError."""
        with self._database.pulse() as connection:
            return [ServerRow(*row) for row in connection.execute(_ALL).fetchall()]

    def drain(self, id: str, life: str) -> None:
        """Says which life of a server shall end; "" for none. Raises ProblemError."""
        with self._database.apart() as connection:
            connection.execute("UPDATE server SET draining = ? WHERE id = ?", (life, id))

    def remove(self, id: str) -> None:
        """Forgets a server. Raises ProblemError."""
        with self._database.apart() as connection:
            connection.execute("DELETE FROM server WHERE id = ?", (id,))


class MemoryServerRows:
    """The one row of a server that shares its state with nobody."""

    def __init__(self) -> None:
        self._rows: dict[str, ServerRow] = {}

    def put(self, row: ServerRow) -> None:
        last = self._rows.get(row.id)
        self._rows[row.id] = row._replace(draining=last.draining if last else "")

    def all(self) -> list[ServerRow]:
        return sorted(self._rows.values(), key=lambda row: (row.name, row.id))

    def drain(self, id: str, life: str) -> None:
        if id in self._rows:
            self._rows[id] = self._rows[id]._replace(draining=life)

    def remove(self, id: str) -> None:
        self._rows.pop(id, None)
