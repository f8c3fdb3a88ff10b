"""Storage nodes in memory: their disks, the way to them, and a server that may die at any step.

Real are the work on nodes (`stores.nodes`) and its decisions (`machines.nodes`). A step is what
happens between two `await`s: `Steps` takes them one by one, from any of the works under way.
"""

from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import coroutine
from typing import Any, Final, TypeVar, TypeVarTuple

from blake3 import blake3

from cargo_sync.machines.nodes.orders import DeletionOrder, OrderBook, OrderVerdict
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.machines.nodes.room import NodeRoom
from cargo_sync.machines.nodes.states import Member, Members, NodeFacts, Patience, state_of
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import World
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.nodes.fleet import STATUS_SECONDS
from cargo_sync.stores.nodes.packing import place_packed
from cargo_sync.stores.nodes.ports import Cluster, NodeSession, Results
from cargo_sync.stores.packets import contents_of, is_packet
from cargo_sync.stores.reading.pieces import PieceRun, Take
from cargo_sync.testing.blobs import MemoryFolders
from tests.sim.story import Story

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
MIB: Final = 1 << 20
_CUT: Final = Problem(Code.CUT, "the node does not answer")
_FULL: Final = Problem(Code.DISK_FULL, "the disk is full")
_GONE: Final = Problem(Code.VANISHED, "it is not there")
_ROTTEN: Final = Problem(Code.DAMAGED, "it is rotten")
_UNKNOWN: Final = Problem(Code.BAD_REQUEST, "it knows of no packets")
_CORRUPT: Final = Problem(Code.CORRUPT, "one content of a packet is not right")
_PATIENCE: Final = Patience()
SMALL: Final = {
    blake3(content).hexdigest(): content
    for number in range(6)
    for content in [bytes([number]) * ((9 + number) << 10)]
}
"""The small contents of all histories, by their hashes. All others are zeros."""


@coroutine
def step(seconds: float = 0.0) -> Generator[float, None, None]:
    """One step, after so many seconds."""
    yield seconds


@dataclass(slots=True)
class Machine:
    """One node: its disk, and the process on it.

    blobs     by hash: whether the copy is good
    announced, real  bytes that the disk has, as it says and in truth
    book      the deletions that it took; `late` has those that are on their way
    since     when it went away; None: it is there
    damaged   copies that were found to be rotten, and moved aside
    takes_packets  it knows of packets: an older one does not, and another one may be older later
    """

    id: int
    zone: str
    announced: int
    real: int
    epoch: str
    sequence: int = 0
    blobs: dict[str, bool] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    book: OrderBook = field(default_factory=OrderBook)
    late: list[tuple[DeletionOrder, Sequence[str]]] = field(default_factory=list)
    since: float | None = None
    damaged: int = 0
    draining: bool = False
    takes_packets: bool = True
    snapshot: tuple[str, int, dict[str, bool]] | None = None

    @property
    def free(self) -> int:
        """Bytes that it has, as it says."""
        return self.announced - self.used

    @property
    def used(self) -> int:
        return sum(self.sizes[hash] for hash in self.blobs)

    def take(
        self, order: DeletionOrder, hashes: Sequence[str], after: DeletionOrder | None = None
    ) -> None:
        """Does a deletion, if it is still due."""
        if self.book.take(order, after) is OrderVerdict.TAKEN:
            for hash in hashes:
                self.blobs.pop(hash, None)
            self.sequence += 1

    def set_aside(self, hash: str) -> None:
        """A copy is rotten."""
        del self.blobs[hash]
        self.sequence += 1
        self.damaged += 1


class _UploadLane:
    """A lane over which contents and packets go to a node. See `packing.PackedLane`."""

    def __init__(self, links: "Links", node: int) -> None:
        self._links = links
        self._node = node

    async def takes_packets(self) -> bool:
        links = self._links
        await links.ask(self._node)
        return links.machines[self._node].takes_packets

    async def move(
        self, contents: Sequence[Content], offers: Sequence[Offer] | None = None
    ) -> Results:
        links, node = self._links, self._node
        number = await links.ask(node)
        machine, problems = links.machines[node], list[Problem | None]()
        for one in contents:
            some = contents_of(*one) if is_packet(one.hash) else [one]
            problems.append(self._put(machine, some, is_packet=some != [one]))
            await links.answer(node, number)
        await links.answer(node, number)
        shows = links.story.chance(0.5)  # an older node does not
        return Results(problems, Life(machine.epoch, machine.sequence) if shows else None)

    def _put(self, machine: Machine, some: Sequence[Content], *, is_packet: bool) -> Problem | None:
        """Contents are placed together, or not."""
        links = self._links
        if is_packet and not machine.takes_packets:
            return _UNKNOWN
        new = [one for one in some if one.hash not in machine.blobs]
        if machine.used + sum(one.size for one in new) > machine.real:
            return _FULL
        if is_packet:
            if links.story.chance(0.1):
                links.story.covered["step packet refused"] += 1
                return _CORRUPT
            links.story.covered["step packet"] += 1
        for one in new:
            assert one.hash in links.spool, "what is placed is in the spool"
            machine.blobs[one.hash] = True
            machine.sizes[one.hash] = one.size
        machine.sequence += bool(new)
        return None


class Links:
    """The nodes as the server reaches them: see `NodeLinks`. It ends with the server."""

    def __init__(
        self, story: Story, machines: dict[int, Machine], spool: set[str], now: Callable[[], float]
    ) -> None:
        self.story = story
        self.machines = machines
        self.spool = spool
        self.claims = Claims()
        self.folders: MemoryFolders
        self.is_dead = False
        self.is_peaceful = False
        self.sessions: dict[int, NodeSession] = {}
        self.joined: set[int] = set()
        self.compared: dict[int, tuple[NodeSession, int]] = {}
        """When the inventory of a node was compared last: in which session, at how many damages."""
        self._now = now
        self._began = now()
        self._room: defaultdict[int, NodeRoom] = defaultdict(NodeRoom)
        self._asked: dict[int, float] = {}
        """When each node was asked last how it is."""
        self._numbers = 0
        self._streamed: dict[str, int] = {}
        """From which node each content was read last."""
        self.lineage = ""
        self._orders = 0

    # -- as `NodeLinks` ----------------------------------------------------------------------------

    def members(self) -> Members:
        return {id: self._member(machine) for id, machine in self.machines.items()}

    def session(self, node: int) -> NodeSession | None:
        return self.sessions.get(node)

    async def place(self, node: int, contents: Sequence[Content]) -> Results:
        results = await place_packed(_UploadLane(self, node), contents)
        self._room[node].took(sum(one.size for one in results.done(contents)))
        refused = [
            one.size
            for one, why in zip(contents, results.problems, strict=True)
            if why is not None and why.code is Code.DISK_FULL
        ]
        if refused:
            life = await self._status(node)
            self._room[node].refused(min(refused), self._now())
            self.story.covered["step full"] += 1
            return results._replace(life=life)
        return results

    async def forward(self, node: int, arriving: ArrivingContent) -> None:
        number = await self.ask(node)
        self.story.covered["step forwarded"] += 1
        while not arriving.over.is_set():
            session = self.sessions.get(node)
            if session is None or session.number != number:
                raise ProblemError(_CUT)
            await step(1.0)

    async def confirm(self, node: int, session: NodeSession, shown: Life | None = None) -> None:
        if self.sessions.get(node) != session:
            raise ProblemError(_CUT)
        if shown is None:
            shown = await self._status(node)
        else:
            self.story.covered["step shown"] += 1
        # As all waiting for a node or a row it takes a step, and no time: what waits while nothing
        # happens waits for ever.
        await step()
        self.folders.heard(node, *shown)

    async def fetch(self, node: int, contents: Sequence[Content]) -> Results:
        number = await self.ask(node)
        machine, problems = self.machines[node], list[Problem | None]()
        for one in contents:
            good = machine.blobs.get(one.hash)
            if good:
                self.spool.add(one.hash)
                self.claims.hold([one.hash])
            elif good is not None:
                machine.set_aside(one.hash)
            problems.append(None if good else _GONE if good is None else _ROTTEN)
        if self.is_dead or self.sessions.get(node) is None:
            raise ProblemError(_CUT)
        assert number
        return Results(problems)

    async def stream(self, node: int, runs: Sequence[PieceRun], take: Take) -> Results:
        number = await self.ask(node)
        machine, problems = self.machines[node], list[Problem | None]()
        for place, run in enumerate(runs):
            if is_packet(run.content.hash):
                problems.append(self._give_packet(machine, place, run.content, take))
                await self.answer(node, number)
                continue
            if run.first and self._streamed.get(run.content.hash, node) != node:
                self.story.covered["step another copy"] += 1
            self._streamed[run.content.hash] = node
            why, bad = None, self.story.one_of(range(run.pieces))
            for piece in range(run.first, run.first + run.pieces):
                good = machine.blobs.get(run.content.hash)
                if good is None:
                    why = _GONE
                elif not good and piece == run.first + bad:
                    why = _ROTTEN
                    machine.set_aside(run.content.hash)
                if why is not None:
                    break
                small = SMALL.get(run.content.hash)
                came = None if small is None else memoryview(small)
                assert take(place, piece, came), "the others are zeros"
                self.story.covered["step piece"] += 1
                await self.answer(node, number)
            problems.append(why)
        await self.answer(node, number)
        return Results(problems)

    def _give_packet(
        self, machine: Machine, place: int, packet: Content, take: Take
    ) -> Problem | None:
        """A packet is read as a whole, or not."""
        some = contents_of(*packet)
        for one in some:
            good = machine.blobs.get(one.hash)
            if good is False:
                machine.set_aside(one.hash)
            if not good:
                self.story.covered["step no packet"] += 1
                return _GONE if good is None else _ROTTEN
        memory = b"".join(SMALL[one.hash] for one in some)
        assert take(place, 0, memoryview(memory)), "it is what was asked for"
        self.story.covered["step packet read"] += 1
        return None

    async def delete(self, node: int, hashes: Sequence[str]) -> None:
        number = await self.ask(node)
        order = self._next_order()
        if (
            not self.is_peaceful
            and self.story.chance(0.3)
            and self.story.happens("fault", "deletion in doubt")
        ):
            self.machines[node].late.append((order, hashes))
            self.end(node)
            raise ProblemError(_CUT)
        self.machines[node].take(order, hashes)
        await self.answer(node, number)

    def aside(self, node: int) -> Sequence[str]:
        return ()

    async def fence(self, node: int) -> None:
        number = await self.ask(node)
        machine = self.machines[node]
        machine.take(self._next_order(), (), machine.book.last())
        await self.answer(node, number)

    async def inventory(self, node: int, after: str, limit: int) -> Mapping[str, int]:
        number = await self.ask(node)
        machine = self.machines[node]
        some = sorted(hash for hash in machine.blobs if hash > after)[:limit]
        found = {hash: machine.sizes[hash] for hash in some}
        await self.answer(node, number)
        return found

    def release(self, hashes: Sequence[str]) -> None:
        if not self.is_dead:
            self.spool.difference_update(self.claims.release(hashes))

    def _next_order(self) -> DeletionOrder:
        self._orders += 1
        return DeletionOrder(self.lineage, self._orders)

    # -- sessions ----------------------------------------------------------------------------------

    def begin(self, node: int) -> None:
        """A node is there, as a process that is new to the server."""
        self._numbers += 1
        self.sessions[node] = NodeSession(self._numbers, self.folders.lives[node])

    def end(self, node: int) -> None:
        """The connection breaks."""
        self.sessions.pop(node, None)
        self.joined.discard(node)

    def _member(self, machine: Machine) -> Member:
        since = machine.since
        away = 0.0 if since is None else self._now() - max(since, self._began)
        room, now = self._room[machine.id], self._now()
        if (
            machine.id in self.sessions
            and now - self._asked.get(machine.id, -1e9) >= STATUS_SECONDS
        ):
            self._says(machine.id, machine.free)
        facts = NodeFacts(
            away,
            machine.id in self.sessions,
            machine.id in self.joined,
            room.is_full(now),
            machine.draining,
        )
        state = state_of(facts, _PATIENCE)
        return Member(machine.id, machine.zone, state, room.free, machine.draining)

    def _says(self, node: int, free: int) -> None:
        self._room[node].says(free)
        self._asked[node] = self._now()

    async def _status(self, node: int) -> Life:
        """A node is asked how it is."""
        number = await self.ask(node)
        machine = self.machines[node]
        life, free = Life(machine.epoch, machine.sequence), machine.free
        await self.answer(node, number)
        self._says(node, free)
        return life

    async def ask(self, node: int) -> int:
        """A request arrives; the number of the session in which it does."""
        await step()
        session = self.sessions.get(node)
        if session is None or self.machines[node].since is not None:
            raise ProblemError(_CUT)
        return session.number

    async def answer(self, node: int, number: int) -> None:
        """An answer arrives, in the same session."""
        await step()
        session = self.sessions.get(node)
        if session is None or session.number != number:
            raise ProblemError(_CUT)


class Steps:
    """The works under way in one life of the server, each a coroutine that waits at a step."""

    def __init__(self, story: Story, now: Callable[[], float]) -> None:
        self._story = story
        self._now = now
        self._works: dict[str, Coroutine[Any, Any, object]] = {}
        self._due: dict[str, float] = {}

    def begin(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        """Begins a work; a name is used once at a time."""
        self._works[name] = work
        self._due[name] = 0.0

    def __contains__(self, name: str) -> bool:
        return name in self._works

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._works))

    def __len__(self) -> int:
        return len(self._works)

    def take(self) -> bool:
        """One step of a work; False if none can take one now."""
        now = self._now()
        able = [name for name, due in self._due.items() if due <= now]
        if not able:
            return False
        name = self._story.one_of(able)
        try:
            self._due[name] = now + self._works[name].send(None)
        except StopIteration:
            del self._works[name], self._due[name]
        except ProblemError as error:
            assert error.problem.code is Code.CUT, error
            del self._works[name], self._due[name]
        return True

    def kill(self) -> None:
        """The server dies: no work takes another step."""
        for work in self._works.values():
            work.close()
        self._works.clear()
        self._due.clear()


def cluster(
    links: Links,
    folders: MemoryFolders,
    story: Story,
    now: Callable[[], float],
    copies: Mapping[int, int],
) -> Cluster:
    """What the work on nodes shares, in one life of the server."""

    async def offload(work: Callable[[*Ts], T], *args: *Ts) -> T:
        await step()
        return work(*args)

    async def together(some: Sequence[Coroutine[Any, Any, bool]]) -> Sequence[bool]:
        try:
            return [await one for one in some]
        finally:
            for one in some:
                one.close()

    async def pause(seconds: float) -> None:
        await step(seconds)

    def wanted(workspace: int) -> int:
        return copies.get(workspace, 1)

    world = World(now, now, story.random.random, lambda: "", offload, now)
    a_day = 86_400.0  # what nobody knows goes soon enough to be seen
    claims = links.claims
    return Cluster(folders.blobs, links, claims, world, wanted, pause, together, keep_unknown=a_day)
