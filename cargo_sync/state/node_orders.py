"""The last order of deletion that a storage node has taken, and whose it was."""

from typing import Final

from cargo_sync.machines.nodes.orders import DeletionOrder, OrderBook, OrderVerdict
from cargo_sync.state.database import Database, Statements

KEPT: Final = 1_000
"""Starts of servers that are remembered. What is older cannot be on its way any more."""


class NodeOrders:
    """The orders of one node: see `machines.nodes.orders`. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> DeletionOrder:
        """The last one that was taken. Raises ProblemError: the state cannot be read."""
        with self._database.read() as connection:
            return _book(connection).last()

    def take(self, asked: DeletionOrder, after: DeletionOrder | None) -> OrderVerdict:
        """Takes an order, if it is still due; what it returns is durable.

        Args:
            asked: the order.
            after: the last order of the node, as its server has seen it, to take the node over.

        Raises:
            ProblemError: the state cannot be written.
        """
        with self._database.transaction() as connection:
            verdict = _book(connection).take(asked, after)
            if verdict is OrderVerdict.TAKEN:
                connection.execute(
                    "INSERT INTO coordinator (lineage, number) VALUES (?, ?)"
                    " ON CONFLICT (lineage) DO UPDATE SET number = excluded.number",
                    asked,
                )
                connection.execute(
                    "DELETE FROM coordinator"
                    " WHERE turn <= (SELECT turn FROM coordinator ORDER BY turn DESC"
                    " LIMIT 1 OFFSET ?)",
                    (KEPT,),
                )
        return verdict


def _book(connection: Statements) -> OrderBook:
    rows = connection.execute("SELECT lineage, number FROM coordinator ORDER BY turn").fetchall()
    if not rows:
        return OrderBook()
    return OrderBook(DeletionOrder(*rows[-1]), (lineage for lineage, _ in rows[:-1]))
