"""Orders to flows of other servers: a balancer gives a request to any of them.

Who is asked and does not have the flow writes an order, and waits. All look for orders once a
second; the one that has the flow does it, and says so. Who has asked deletes the order. If that
server was killed, another one does, a minute after it has seen the order for the first time: so no
clock is compared with that of another server.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.flow_orders import FlowOrder, OrderAnswer, What

PATIENCE: Final = 3.0
"""Seconds for which an order waits: each server has looked by then."""
LOOK: Final = 0.1
OLD: Final = 60.0
"""Seconds since a server has seen an order, after which certainly nobody waits for it."""


class FlowOrderTable(Protocol):
    """Where the orders are (state.flow_orders)."""

    def add(self, order: FlowOrder) -> None: ...

    def all(self) -> list[FlowOrder]: ...

    def done(self, id: str, answer: OrderAnswer) -> None: ...

    def answer(self, id: str) -> OrderAnswer | None: ...

    def forget(self, id: str) -> None: ...


class OwnFlows(Protocol):
    """The flows of a server, as far as orders go."""

    def named(self, digest: bytes, user: str) -> str | None:
        """The id of a user's flow, by its digest; None if it is not here."""

    async def do(self, id: str, user: str, what: What, bits: int | None) -> OrderAnswer:
        """Does what was asked of a flow. Raises ProblemError: it has ended meanwhile."""


class FlowsElsewhere:
    """For the event loop.

    rows   of all servers
    pause  waits between two looks for an answer
    """

    def __init__(self, rows: FlowOrderTable, world: World) -> None:
        self._rows = rows
        self._world = world
        self._seen: dict[str, float] = {}
        """When each order that there is was seen for the first time, on the steady clock."""
        self.pause: Callable[[float], Awaitable[object]] = lambda seconds: Wakeup().wait(seconds)

    async def ask(self, flow: str, user: str, what: What, bits: int | None) -> OrderAnswer | None:
        """What became of an order to a flow of another server; None: no server has it.

        Raises:
            ProblemError: the state cannot be used.
        """
        world = self._world
        order = FlowOrder(world.token(), world.wall(), digest_of(flow), user, what, bits)
        await world.offload(self._rows.add, order)
        try:
            until = world.steady() + PATIENCE
            while (answer := await world.offload(self._rows.answer, order.id)) is None:
                if world.steady() >= until:
                    return None
                await self.pause(LOOK)
            return answer
        finally:
            await world.offload(self._rows.forget, order.id)

    async def serve(self, flows: OwnFlows) -> None:
        """Does what others ask of this server's flows. Raises ProblemError."""
        world = self._world
        orders, now = await world.offload(self._rows.all), world.steady()
        self._seen = {one.id: self._seen.get(one.id, now) for one in orders}
        for order in orders:
            if now - self._seen[order.id] > OLD:
                await world.offload(self._rows.forget, order.id)
                continue
            id = None if order.done else flows.named(order.flow, order.user)
            if id is None:
                continue
            try:
                answer = await flows.do(id, order.user, order.what, order.bits)
            except ProblemError:
                continue  # it has just ended, so no server has it
            await world.offload(self._rows.done, order.id, answer)


def digest_of(flow: str) -> bytes:
    """What others learn of a flow's id: with the id itself its user could end it."""
    return hashlib.blake2b(flow.encode(), digest_size=32).digest()
