"""What one server wants of a flow that another one has, if several share the state."""

from typing import Final, Literal, NamedTuple

from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

What = Literal["speed", "end"]

_PUT: Final = put("flow_order", "id", "made, flow, user, what, bits, done")
_OPEN: Final = """
SELECT id, made, flow, user, what, bits FROM flow_order WHERE done = 0 AND made > ? ORDER BY made
"""
_DONE: Final = "UPDATE flow_order SET done = 1, answer = ? WHERE id = ?"


class FlowOrder(NamedTuple):
    """An order to a flow.

    made  unix seconds
    flow  the digest of its id
    bits  the speed that is asked for, bits per second; None for no limit
    """

    id: str
    made: float
    flow: bytes
    user: str
    what: What
    bits: int | None = None


class OrderAnswer(NamedTuple):
    """What became of an order; `bits` is the speed that the flow gets."""

    bits: int | None


class FlowOrders:
    """The orders of all servers that share this state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, order: FlowOrder) -> None:
        """Asks for something. Raises ProblemError."""
        with self._database.apart() as connection:
            connection.execute(_PUT, (*order, 0))

    def open(self, since: float) -> list[FlowOrder]:
        """Those that nobody has done, and that were made since then. Raises ProblemError."""
        with self._database.apart() as connection:
            rows = connection.execute(_OPEN, (since,)).fetchall()
        return [FlowOrder(id, made, bytes(flow), *others) for id, made, flow, *others in rows]

    def done(self, id: str, answer: OrderAnswer) -> None:
        """Says that an order was done. Raises ProblemError."""
        with self._database.apart() as connection:
            connection.execute(_DONE, (answer.bits, id))

    def answer(self, id: str) -> OrderAnswer | None:
        """What became of an order; None: nobody has done it yet. Raises ProblemError."""
        with self._database.apart() as connection:
            row = connection.execute(
                "SELECT answer FROM flow_order WHERE id = ? AND done = 1", (id,)
            ).fetchone()
        return None if row is None else OrderAnswer(*row)

    def forget(self, id: str, before: float) -> None:
        """Deletes an order, and all that were made before. Raises ProblemError."""
        with self._database.apart() as connection:
            connection.execute("DELETE FROM flow_order WHERE id = ? OR made < ?", (id, before))
