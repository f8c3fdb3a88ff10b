"""What keeps a server's state on its nodes: keys, numbers, and what the last snapshot covers."""

from dataclasses import dataclass, field
from typing import Final

from cargo_sync.state.database import Database
from cargo_sync.state.placements import drop_from_all

_ROW: Final = "SELECT sealing, verifier, generation, count, made, covers, since FROM recovery"
_STAMP: Final = """
SELECT (SELECT coalesce(sum(sequence), 0) FROM workspace), (SELECT count(*) FROM workspace),
    (SELECT coalesce(max(number), 0) FROM audit), (SELECT count(*) FROM node),
    (SELECT count(*) FROM (SELECT outcome FROM audit ORDER BY number DESC LIMIT 16) AS newest
        WHERE outcome = '')
"""
"""The last one: commands that are under way will have changed something."""
_ORDERS_APART: Final = 1 << 16
"""Sessions that a recovered server leaves out: the lost one may have had so many more."""


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """One row; see schema/server_017.sql."""

    sealing: bytes = field(repr=False)
    verifier: bytes
    generation: int = 0
    count: int = 0
    made: float | None = None
    covers: str = ""
    since: float | None = None


class RecoveryRows:
    """The row of a server, if it has one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> RecoveryRow | None:
        """The row; None before the first recovery key."""
        with self._database.read() as connection:
            found = connection.execute(_ROW).fetchone()
        return None if found is None else RecoveryRow(*found)

    def set_key(self, sealing: bytes, verifier: bytes) -> None:
        """From now on snapshots are made for another recovery key."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO recovery (one, sealing, verifier) VALUES (1, ?, ?)"
                " ON CONFLICT (one) DO UPDATE SET sealing = excluded.sealing,"
                " verifier = excluded.verifier, covers = ''",
                (sealing, verifier),
            )

    def begin(self) -> RecoveryRow | None:
        """A snapshot begins: the row, with its number, which is never used again."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE recovery SET count = count + 1")
            return self.get()

    def made(self, covers: str, now: float, verifier: bytes) -> None:
        """A node has a snapshot of the state that has this stamp, for this recovery key."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE recovery SET covers = ?, made = ? WHERE verifier = ?",
                (covers, now, verifier),
            )

    def stamp(self) -> str:
        """Changes with all that a snapshot is made for: names, users, workspaces, nodes.

        What commands change is in the audit. Where copies lie is not in it: a server that is
        recovered asks its nodes.
        """
        with self._database.read() as connection:
            return " ".join(map(str, connection.execute(_STAMP).fetchone()))

    def begin_again(self, generation: int) -> None:
        """The state is that of a server that was lost: makes it one to begin again with.

        No copy is believed to lie on a node until the node has given its inventory, and no order
        of the lost server counts there any more. All of it is one transaction.
        """
        with self._database.transaction() as connection:
            for (node,) in connection.execute("SELECT id FROM node").fetchall():
                drop_from_all(connection, node)
            connection.execute(
                "UPDATE node SET epoch = '', sequence = 0, life = life + 1, away = 0,"
                " sessions = sessions + ?",
                (_ORDERS_APART,),
            )
            connection.execute(
                "UPDATE recovery SET generation = ?, count = 0, covers = '', made = NULL,"
                " since = coalesce((SELECT reading FROM clock), 0)",
                (generation,),
            )
