"""The storage nodes of a server. Their copies are rows of `blobs`."""

from dataclasses import dataclass, field
from typing import Final

from cargo_sync.state.database import Database
from cargo_sync.state.placements import drop_from_all

_ALL: Final = """
SELECT id, name, zone, host, port, lane_port, fingerprint, secret, epoch, sequence, life,
    draining, away
FROM node ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node.

    port         of its API; lane_port takes its lanes
    fingerprint  SHA-256 of its certificate
    secret       what it wants to hear from this server
    epoch        of its folder, as it was compared last; "" before that
    sequence     of its folder: covers each copy that is recorded there
    life         grows when its folder is not what it was
    draining     its copies are to lie elsewhere
    away         seconds without a word from it, while this server ran
    """

    id: int
    name: str
    zone: str
    host: str
    port: int
    lane_port: int
    fingerprint: str
    secret: str = field(repr=False)
    epoch: str = ""
    sequence: int = 0
    life: int = 0
    draining: bool = False
    away: float = 0.0


class NodeRows:
    """The nodes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[NodeRow]:
        """All of them, by id."""
        with self._database.read() as connection:
            rows = connection.execute(_ALL).fetchall()
        return [NodeRow(*row) for row in rows]

    def add(
        self,
        name: str,
        zone: str,
        address: tuple[str, int, int],
        fingerprint: str,
        secret: str,
    ) -> int:
        """Adds a node, or gives the one of this name another address and secret; returns its id.

        Args:
            name: names it to people.
            zone: what it may fail with; "" for a zone of its own.
            address: its host, the port of its API, the port of its lanes.
            fingerprint: SHA-256 of its certificate.
            secret: what it wants to hear.
        """
        with self._database.transaction() as connection:
            found = connection.execute(
                "INSERT INTO node (name, zone, host, port, lane_port, fingerprint, secret)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                " zone = excluded.zone, host = excluded.host, port = excluded.port,"
                " lane_port = excluded.lane_port, fingerprint = excluded.fingerprint,"
                " secret = excluded.secret RETURNING id",
                (name, zone or name, *address, fingerprint, secret),
            ).fetchone()
        return int(found[0])

    def begin_session(self, node: int) -> int:
        """The number of the next session of a node; a restart of the server uses none again."""
        with self._database.transaction() as connection:
            found = connection.execute(
                "UPDATE node SET sessions = sessions + 1 WHERE id = ? RETURNING sessions", (node,)
            ).fetchone()
        return int(found[0]) if found else 0

    def heard(self, node: int, epoch: str, sequence: int) -> None:
        """A node's folder is known up to this sequence of this life of it, or a later one."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE node SET sequence = CASE WHEN epoch = ? AND sequence > ? THEN sequence"
                " ELSE ? END, epoch = ?, away = 0 WHERE id = ?",
                (epoch, sequence, sequence, epoch, node),
            )

    def forget_copies(self, node: int) -> int:
        """A node's folder is not what it was: from now on no copy is believed to lie there.

        Returns:
            Its next life.
        """
        with self._database.transaction() as connection:
            drop_from_all(connection, node)
            found = connection.execute(
                "UPDATE node SET epoch = '', sequence = 0, life = life + 1 WHERE id = ?"
                " RETURNING life",
                (node,),
            ).fetchone()
        return int(found[0]) if found else 0

    def count_away(self, away: dict[int, float]) -> None:
        """Notes for how many seconds each of these nodes was not heard."""
        with self._database.transaction() as connection:
            for node, seconds in away.items():
                connection.execute("UPDATE node SET away = ? WHERE id = ?", (seconds, node))

    def drain(self, node: int, *, draining: bool) -> None:
        """Its copies are to lie elsewhere, or may stay."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE node SET draining = ? WHERE id = ?", (draining, node))

    def remove(self, node: int) -> None:
        """Deletes a node; no copy is believed to lie there any more."""
        with self._database.transaction() as connection:
            drop_from_all(connection, node)
            connection.execute("DELETE FROM node WHERE id = ?", (node,))
