"""All nodes of a server: each is asked how it is, taken in when it comes, and given up when silent.

A node is followed by one task. A session begins when the node answers after a silence, or for the
first time; before anything else it is taken in (inventory.py). It ends with the first call that
fails in a way that leaves unknown what was done.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from cargo_sync.machines.nodes.orders import DeletionOrder
from cargo_sync.machines.nodes.returning import Life, judge
from cargo_sync.machines.nodes.room import NodeRoom
from cargo_sync.machines.nodes.snapshots import MadeSnapshot
from cargo_sync.machines.nodes.states import (
    Member,
    Members,
    NodeFacts,
    NodeState,
    Patience,
    state_of,
)
from cargo_sync.model.problems import NO_ROOM, Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.tasks import contained
from cargo_sync.state.nodes import NodeRow
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.nodes.client import NodeClient, NodeStatus
from cargo_sync.stores.nodes.inventory import TakingIn
from cargo_sync.stores.nodes.ports import NodeSession, Results
from cargo_sync.stores.reading.pieces import PieceRun, Take

STATUS_SECONDS: Final = 2.0
NOTE_SECONDS: Final = 60.0
"""How often the state notes for how long nodes have been away."""
_ORDERS: Final = 1 << 32
"""Orders of one session."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


class NodeTable(Protocol):
    """The rows of nodes: see `state.nodes.NodeRows`."""

    def all(self) -> list[NodeRow]: ...
    def begin_session(self, node: int) -> int: ...
    def heard(self, node: int, epoch: str, sequence: int) -> None: ...
    def forget_copies(self, node: int) -> int: ...
    def count_away(self, away: dict[int, float]) -> None: ...
    def drain(self, node: int, *, draining: bool) -> None: ...
    def remove(self, node: int) -> None: ...


Dial = Callable[[NodeRow], NodeClient]
"""Makes a client of a node."""


class NodeReport(NamedTuple):
    """How a node is, for people.

    status   what it said last; None before its first word
    silent   seconds since it was heard
    problem  why it could not be asked last time
    """

    row: NodeRow
    state: NodeState
    status: NodeStatus | None
    silent: float
    problem: Problem | None


class FollowedNode:
    """One node, as this process knows it.

    row      what the state has of it
    status   what it said last; None before its first word
    room     for copies
    session  the current one; None between two
    shown    what its folder has shown last, in this session
    joined   it is known what its folder holds
    """

    def __init__(self, row: NodeRow, client: NodeClient, now: float) -> None:
        self.row = row
        self.client = client
        self.status: NodeStatus | None = None
        self.room = NodeRoom()
        self.session: NodeSession | None = None
        self.shown = Life()
        self.joined = False
        self.compared: tuple[NodeSession, int] | None = None
        self.orders = 0
        self.heard_at = now - row.away
        self.problem: Problem | None = None

    def says(self, status: NodeStatus) -> None:
        self.status = status
        self.room.says(status.free)

    def facts(self, now: float) -> NodeFacts:
        return NodeFacts(
            max(0.0, now - self.heard_at),
            self.status is not None,
            self.joined,
            self.room.is_full(now),
            self.row.draining,
        )


class NodeFleet:
    """The nodes, and how they are: see `NodeLinks`. All calls are made in the event loop.

    on_change  called when the state of a node may have changed
    """

    def __init__(
        self,
        rows: NodeTable,
        dial: Dial,
        release: Callable[[Sequence[str]], None],
        world: World,
        pause: Callable[[float], Awaitable[None]],
        patience: Patience,
    ) -> None:
        """`release` gives back holds of the spool; `pause` waits so many seconds."""
        self._rows = rows
        self._dial = dial
        self._world = world
        self._pause = pause
        self._patience = patience
        self.release = release
        self.nodes: dict[int, FollowedNode] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.joining: TakingIn | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._states: dict[int, NodeState] = {}
        self._lineage = world.token()
        """Of our orders: another one after each start."""
        self._is_read = False

    # -- as `NodeLinks` ----------------------------------------------------------------------------

    def members(self) -> Members:  # also from other threads
        now = self._world.steady()
        return {id: self._member(node, now) for id, node in list(self.nodes.items())}

    def session(self, node: int) -> NodeSession | None:
        found = self.nodes.get(node)
        return found.session if found is not None and found.joined else None

    async def place(self, node: int, contents: Sequence[Content]) -> Results:
        found = self._found(node)
        before = found.shown
        results = await self._call(found, found.client.place(contents))
        await self._heard(found, before, results.life)
        found.room.took(sum(one.size for one in results.done(contents)))
        refused = [
            one.size
            for one, why in zip(contents, results.problems, strict=True)
            if why is not None and why.code in NO_ROOM
        ]
        if refused:
            # What it said last may be seconds old, and would be believed for minutes.
            results = results._replace(life=(await self._status(found)).life)
            found.room.refused(min(refused), self._world.steady())
            self._look()
        return results

    async def forward(self, node: int, arriving: ArrivingContent) -> None:
        # It ends no session: nothing is known of what was forwarded, and nothing has to be.
        await self._found(node).client.forward(arriving)

    async def keep_snapshot(
        self, node: int, content: Content, snapshot: MadeSnapshot, verifier: bytes
    ) -> None:
        """Places a content of the spool on a node, as a snapshot.

        Raises:
            ProblemError: it is not known whether it is there.
        """
        [why] = (await self.place(node, [content])).problems
        if why is not None:
            raise ProblemError(why)
        found = self._found(node)
        await self._call(found, found.client.keep_snapshot(content, snapshot, verifier))

    async def confirm(self, node: int, session: NodeSession, shown: Life | None = None) -> None:
        found = self._found(node)
        if found.session != session:
            raise _ended(found.row.name)
        if shown is None:
            shown = (await self._status(found)).life
        await self._world.offload(self._rows.heard, node, *shown)

    async def fetch(self, node: int, contents: Sequence[Content]) -> Results:
        found = self._found(node)

        def too_late(results: Results) -> None:
            self.release([one.hash for one in results.done(contents)])

        return await self._call(found, found.client.fetch(contents), too_late)

    async def stream(self, node: int, runs: Sequence[PieceRun], take: Take) -> Results:
        found = self._found(node)
        return await self._call(found, found.client.stream(runs, take))

    async def delete(self, node: int, hashes: Sequence[str]) -> None:
        found = self._found(node)
        await self._call(found, found.client.delete(hashes, self._next_order(found)))

    def aside(self, node: int) -> Sequence[str]:
        found = self.nodes.get(node)
        return () if found is None or found.status is None else found.status.aside

    async def fence(self, node: int) -> None:
        found = self._found(node)
        seen = found.status.order if found.status is not None else None
        await self._call(found, found.client.delete((), self._next_order(found), seen))

    async def inventory(self, node: int, after: str, limit: int) -> Mapping[str, int]:
        found = self._found(node)
        return await self._call(found, found.client.inventory(after, limit))

    # -- nodes -------------------------------------------------------------------------------------

    async def read(self, tasks: asyncio.TaskGroup) -> None:
        """Reads the rows again: new nodes are followed, those that are removed are not."""
        rows = {row.id: row for row in await self._world.offload(self._rows.all)}
        for id in self.nodes.keys() - rows.keys():
            self._tasks.pop(id).cancel()
            await self.nodes.pop(id).client.hang_up()
        for id, row in rows.items():
            known = self.nodes.get(id)
            if known is not None and _place(known.row) == _place(row):
                known.row = row
                continue
            if known is not None:
                self._tasks.pop(id).cancel()
                await known.client.hang_up()
            self.nodes[id] = FollowedNode(row, self._dial(row), self._world.steady())
            self._tasks[id] = tasks.create_task(contained(self._follow(id), f"node {row.name}"))
        self._is_read = True
        self._look()

    @property
    def is_asked(self) -> bool:
        """Whether it is known of each node whether it is there."""
        known = (node.joined or node.problem is not None for node in self.nodes.values())
        return self._is_read and all(known)

    def report(self, id: int) -> NodeReport:
        """How a node is. Raises KeyError: it is not there."""
        node, now = self.nodes[id], self._world.steady()
        facts = node.facts(now)
        state = state_of(facts, self._patience)
        return NodeReport(node.row, state, node.status, facts.away, node.problem)

    async def note_away(self) -> None:
        """Notes for how long nodes have been away, so that a restart begins no new hour."""
        now = self._world.steady()
        away = {id: max(0.0, now - node.heard_at) for id, node in self.nodes.items()}
        await self._world.offload(self._rows.count_away, away)

    async def stop(self) -> None:
        """Follows no node any more."""
        for task in self._tasks.values():
            task.cancel()
        for node in self.nodes.values():
            await node.client.hang_up()
        self._tasks.clear()
        self.nodes.clear()

    async def _follow(self, id: int) -> None:
        while True:
            await self._ask(self.nodes[id])
            self._look()
            await self._pause(STATUS_SECONDS)

    async def _ask(self, node: FollowedNode) -> None:
        """Asks a node how it is; takes it in, or compares its inventory, if that is due."""
        try:
            before, shown, session = node.status, node.shown, node.session
            status = await node.client.status()
            if session is not None and node.session == session:
                await self._heard(node, shown, status.life)
            node.says(status)
            node.heard_at, node.problem = self._world.steady(), None
            known = before.damaged if before is not None and node.session is not None else 0
            if (damaged := status.damaged - known) > 0:
                words = "node %s found damaged copies: %d; they are made again from other ones"
                _log.warning(words, node.row.name, damaged)
            if node.session is None:
                await self._begin(node, status.life)
            session = node.session
            if session is None or self.joining is None:
                return
            if node.compared != (session, status.damaged):
                await self.joining.compare(node.row.id, session.life)
                node.compared = session, status.damaged
        except ProblemError as error:
            why, node.problem = node.problem, error.problem
            if node.session is None and why != error.problem:
                _log.warning("node %s is not there: %s", node.row.name, error.problem)
            await self._end(node)

    async def _begin(self, node: FollowedNode, shown: Life) -> None:
        """A session begins: the node is taken in."""
        assert self.joining is not None, "the store has started"
        id = node.row.id
        rows = {row.id: row for row in await self._world.offload(self._rows.all)}
        if id not in rows:
            return
        node.row = row = rows[id]
        number = await self._world.offload(self._rows.begin_session, id)
        node.orders = number * _ORDERS
        node.session, node.shown = NodeSession(number, row.life), shown
        self._look()
        life = await self.joining.join(id, Life(row.epoch, row.sequence), row.life, shown)
        if node.session is not None and node.session.number == number:
            node.session = NodeSession(number, life)
            node.joined = True
            _log.info("node %s is there", row.name)

    async def _end(self, node: FollowedNode) -> None:
        if node.session is not None:
            _log.warning("node %s does not answer: %s", node.row.name, node.problem)
        node.session, node.joined = None, False
        await node.client.hang_up()
        self._look()

    async def _status(self, node: FollowedNode) -> NodeStatus:
        """Asks a node how it is, in the current session. Raises ProblemError."""
        before = node.shown
        status = await self._call(node, node.client.status())
        await self._heard(node, before, status.life)
        node.says(status)
        return status

    async def _heard(self, node: FollowedNode, before: Life, shown: Life | None) -> None:
        """A node has shown what its folder is; it was `before` when it was asked.

        Raises:
            ProblemError: it is not that folder any more, or an older state of it: another process
                answers since. The session ends, and the node is taken in again.
        """
        if shown is None:
            return
        if not judge(before, shown).is_trusted:
            message = f"the folder of node {node.row.name} is not what it was a moment ago"
            node.problem = Problem(Code.CUT, message, hint="what it holds is looked at again")
            await self._end(node)
            raise ProblemError(node.problem)
        node.shown = max(node.shown, shown)

    async def _call(
        self,
        node: FollowedNode,
        call: Coroutine[Any, Any, T],
        too_late: Callable[[T], None] = lambda _: None,
    ) -> T:
        """Makes a call in the current session; if it fails, the session ends.

        `too_late` is called with a result that came when the session had ended already.
        """
        session = node.session
        try:
            if session is None:
                call.close()
                raise _ended(node.row.name)
            result = await call
        except ProblemError as error:
            if node.session == session:
                node.problem = error.problem
                await self._end(node)
            raise
        if node.session is None or session is None or node.session.number != session.number:
            too_late(result)
            raise _ended(node.row.name)
        node.heard_at = self._world.steady()  # it may be asked for long, and not how it is
        return result

    def _next_order(self, node: FollowedNode) -> DeletionOrder:
        node.orders += 1
        return DeletionOrder(self._lineage, node.orders)

    def _found(self, node: int) -> FollowedNode:
        found = self.nodes.get(node)
        if found is None:
            raise _ended(str(node))
        return found

    def _member(self, node: FollowedNode, now: float) -> Member:
        row, state = node.row, state_of(node.facts(now), self._patience)
        known = node.joined or bool(row.epoch)
        return Member(row.id, row.zone, state, node.room.free, row.draining, known)

    def _look(self) -> None:
        """Tells if the state of a node has changed."""
        states = {id: member.state for id, member in self.members().items()}
        if states != self._states:
            self._tell_of_room(states)
            self._states = states
            self.on_change()

    def _tell_of_room(self, states: Mapping[int, NodeState]) -> None:
        for id, state in states.items():
            before, name = self._states.get(id), self.nodes[id].row.name
            if state is NodeState.FULL and before is not NodeState.FULL:
                _log.warning("node %s has no room for more copies: others get them", name)
            elif state is NodeState.UP and before is NodeState.FULL:
                _log.info("node %s has room again", name)


def _place(row: NodeRow) -> tuple[object, ...]:
    """What a client of a node depends on."""
    return row.host, row.port, row.lane_port, row.fingerprint, row.secret


def _ended(name: str) -> ProblemError:
    message = f"the connection to node {name} ended"
    return ProblemError(Problem(Code.CUT, message, hint="it is tried again"))
