"""Flows at any of several servers: this one's own, and orders to those of the others."""

from itertools import count
from typing import Final

from cargo_sync.cluster.flow_orders import FlowsElsewhere, digest_of
from cargo_sync.cluster.holds import ElsewhereError
from cargo_sync.cluster.membership import Membership
from cargo_sync.machines.cluster.states import ServerState
from cargo_sync.model.problems import Code, Problem
from cargo_sync.server.accounts.users import User
from cargo_sync.server.flows.flows import SHOWN, FlowRequest, Flows, OpenedFlow
from cargo_sync.server.refusals import unknown
from cargo_sync.state.flow_orders import OrderAnswer, What

ENDING: Final = Problem(
    Code.ELSEWHERE,
    "the server takes no transfers any more, because it is about to end",
    hint="if there is another server, it goes on",
)


class EndingError(ElsewhereError):
    """This server is about to end; `address` is that of another one, or ""."""

    def __init__(self, address: str) -> None:
        super().__init__(ENDING, address)


class FlowsAnywhere:
    """What the API has of the flows of all servers (http.gateway.FlowBroker).

    own        of this server
    elsewhere  orders to the others; None if it shares its state with nobody
    """

    def __init__(
        self, own: Flows, membership: Membership, elsewhere: FlowsElsewhere | None
    ) -> None:
        self._own = own
        self._membership = membership
        self._elsewhere = elsewhere
        self._turns = count()

    async def open(self, user: User, request: FlowRequest) -> OpenedFlow:
        """Opens a flow here.

        Raises:
            ProblemError: as `Flows.open`.
            EndingError: it names the other servers, each in its turn.
        """
        if self._membership.draining:
            others = self._membership.others()
            up = [one.row.address for one in others if one.state is ServerState.UP]
            there = [address for address in up if address]
            raise EndingError(there[next(self._turns) % len(there)] if there else "")
        return await self._own.open(user, request)

    async def speed(self, user: User, id: str, bps: int | None) -> int | None:
        """Asks for another speed of a running flow; returns the speed that it gets.

        Raises:
            ProblemError: `unknown`; or the state cannot be used.
        """
        if self._own.has(id) or not self._others():
            return await self._own.speed(user, id, bps)
        assert self._elsewhere is not None, "there are others"
        answer = await self._elsewhere.ask(id, user.name, "speed", bps)
        if answer is None:
            raise unknown("such flow")
        return answer.bits

    async def end(self, user: User, id: str) -> None:
        """Ends a flow; it is harmless to end it twice.

        Raises:
            ProblemError: the state cannot be used.
        """
        await self._own.end(user, id)
        if not self._own.has(id) and any(f'"{id[:SHOWN]}"' in one for one in self._others()):
            assert self._elsewhere is not None, "there are others"
            await self._elsewhere.ask(id, user.name, "end", None)

    def _others(self) -> list[str]:
        """The flows of other servers, as they have told of them."""
        if self._elsewhere is None:
            return []
        others = self._membership.others()
        return [one.row.flows for one in others if one.state is not ServerState.AWAY]

    # -- orders of others --------------------------------------------------------------------------

    async def follow(self) -> None:
        """Does what other servers ask of the flows of this one. Raises ProblemError."""
        if self._elsewhere is not None:
            await self._elsewhere.serve(self)
        if self._membership.draining:
            self._own.close(ENDING)

    def named(self, digest: bytes, user: str) -> str | None:
        """See `OwnFlows.named`."""
        for flow in self._own.all():
            if flow.user.name == user and digest_of(flow.id) == digest:
                return flow.id
        return None

    async def do(self, id: str, user: str, what: What, bits: int | None) -> OrderAnswer:
        """See `OwnFlows.do`."""
        flow = self._own.get(id)
        if flow is None or flow.user.name != user:
            raise unknown("such flow")
        if what == "speed":
            return OrderAnswer(await self._own.speed(flow.user, id, bits))
        await self._own.end(flow.user, id)
        return OrderAnswer(None)
