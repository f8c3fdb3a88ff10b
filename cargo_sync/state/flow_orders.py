"""What one server wants of a flow that another one has, if several share the state."""

from typing import Final, Literal, NamedTuple

from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

What = Literal["speed", "end"]

_PUT: Final = put("flow_order", "id", "made, flow, user, what, bits, done")
_ALL: Final = "SELECT id, made, flow, user, what, bits, done FROM flow_order ORDER BY made, id"
_DONE: Final = "UPDATE flow_order SET done = 1, answer = ? WHERE id = ?"


class FlowOrder(NamedTuple):
    """An order to a flow.

    made  unix seconds, by the clock of who asks: servers of the release before compare it
    flow  the digest of its id
    bits  the speed that is asked for, bits per second; None for no limit
    done  whether it was done
    """

    id: str
    made: float
    flow: bytes
    user: str
    what: What
    bits: int | None = None
    done: bool = False


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
            connection.execute(_PUT, order)

    def all(self) -> list[FlowOrder]:
        """All that there are. Raises ProblemError."""
        with self._database.apart() as connection:
            rows = connection.execute(_ALL).fetchall()
        return [
            FlowOrder(id, made, bytes(flow), user, what, bits, bool(done))
            for id, made, flow, user, what, bits, done in rows
        ]

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

    def forget(self, id: str) -> None:
        """Deletes an order, if it is there. Raises ProblemError."""
        with self._database.apart() as connection:
            connection.execute("DELETE FROM flow_order WHERE id = ?", (id,))
