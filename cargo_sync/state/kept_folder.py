"""The folder of a storage node, as it was when it was used last."""

from cargo_sync.state.database import Database


class KeptFolder:
    """The marker of the folder that belongs to a pairing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def marker(self, node: int) -> str:
        """The marker that the folder of this node must have; "" before its first start."""
        with self._database.read() as connection:
            row = connection.execute("SELECT marker FROM folder WHERE node = ?", (node,)).fetchone()
        return str(row[0]) if row else ""

    def put(self, node: int, marker: str) -> None:
        """The folder of this node has this marker. Those of earlier pairings are forgotten."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM folder WHERE node <> ?", (node,))
            connection.execute("INSERT OR REPLACE INTO folder VALUES (?, ?)", (node, marker))
