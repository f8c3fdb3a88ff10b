"""Histories of storage nodes: they die, are away, lie about their room, come back old, and rot.

Meanwhile people upload and delete, and the server may die at any step. What must hold:

- What was receipted, and is still referred to, has a good copy, unless faults have destroyed as
  many good copies of it as it had, before it had all of them again: with two copies two disks, one
  after the other, faster than a repair. Faults are the death of a disk, rot, an older state of a
  disk, the loss of its marker. What the server deletes is no fault.
- A receipt is given when so many copies are durable as the quorum says.
- At rest: every content has its copies, as far as there are nodes and zones for them; each copy
  that is recorded is there and good; nothing else is anywhere: what was swept does not come back.
"""

from collections import Counter
from collections.abc import Collection, Coroutine
from typing import Any, Final

from cargo_sync.local.piece_lists import DIGESTS
from cargo_sync.machines.nodes.copies import standing
from cargo_sync.machines.nodes.placement import quorum
from cargo_sync.machines.nodes.repair import is_drained, plan
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.blobs import LIVE
from cargo_sync.stores.contract import ComingFile, Content
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.nodes.deleting import Deleting
from cargo_sync.stores.nodes.fetching import PieceFetching
from cargo_sync.stores.nodes.forwarding import Forwarding
from cargo_sync.stores.nodes.inventory import TakingIn
from cargo_sync.stores.nodes.ports import NodeSession
from cargo_sync.stores.nodes.repairing import Repairing, Trimming
from cargo_sync.stores.nodes.securing import Securing
from cargo_sync.stores.nodes.small_fetching import fetch_small
from cargo_sync.stores.reading.ahead import SmallAsks
from cargo_sync.stores.reading.held_pieces import HeldPieces
from cargo_sync.stores.reading.pieces import pieces_of
from cargo_sync.stores.reading.windows import ContentReading
from cargo_sync.testing.blobs import MemoryFolders
from tests.sim.cluster import MIB, SMALL, Links, Machine, Steps, cluster
from tests.sim.story import BrokenPromiseError, Story, Verdict

ACTS: Final = ("upload", "delete", "read", "drain", "remove", "add")
FAULTS: Final = (
    "death",
    "away",
    "old",
    "rot",
    "marker lost",
    "full",
    "crash",
    "late deletion",
    "deletion in doubt",
)
HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
_ACTS: Final = 24
_WORKS: Final = ("repair", "trim", "mark 1", "mark 2", "age", "sweep")
_ROUNDS: Final = 9
_READ_PIECES: Final = 20
_FORWARDED: Final = 3
"""Of so many uploads one goes on while it arrives."""


class Server:
    """One life of the server: its works."""

    def __init__(self, history: "NodeHistory") -> None:
        story, now = history.story, history.now
        self.links = Links(story, history.machines, history.spool, now)
        self.links.folders = history.folders
        history.starts += 1
        self.links.lineage = f"start {history.starts}"
        self.cluster = cluster(self.links, history.folders, story, now, history.copies)
        self.forwarding = Forwarding(self.cluster)
        self.placing = Securing(self.cluster, self.forwarding.nodes)
        self.repairing = Repairing(self.cluster)
        self.trimming = Trimming(self.cluster)
        self.deleting = Deleting(self.cluster)
        self.joining = TakingIn(self.cluster, history.folders)
        self.held, self.asks = HeldPieces(lambda: None), SmallAsks(lambda: None)
        self.asks.start()
        self.reading = ContentReading(self.held, self.asks)
        self.fetching = PieceFetching(self.cluster, self.held)
        self.steps = Steps(story, now)
        self.drains: dict[int, int] = {}


class NodeHistory:
    """One history."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.time = 1_000.0
        self.machines: dict[int, Machine] = {}
        self.folders = MemoryFolders()
        self.spool: set[str] = set()
        self.starts = 0
        """Of the server; its numbers of orders begin anew with each."""
        self.copies = {1: story.one_of((1, 2, 2, 2, 3)), 2: story.one_of((1, 2, 3))}
        self.referred: dict[tuple[int, str], int] = {}
        """By workspace and hash: the size."""
        self.hurt: Counter[str] = Counter()
        """Good copies that faults have destroyed since there were enough of them."""
        self.destroyed: Counter[tuple[int, str]] = Counter()
        """How often faults have destroyed a good copy on a node."""
        self.whole: Counter[str] = Counter()
        """How often that had happened to a content when nothing was wrong with it."""
        self.had: dict[str, int] = {}
        """How many good copies there were at most since then, of those that are wanted."""
        self.lost: set[str] = set()
        self.coming: Counter[str] = Counter()
        """Contents of uploads that are under way."""
        self._uploads = 0
        for _ in range(3 + int(story.random.random() * 3)):
            self._add()
        self.server = Server(self)

    def now(self) -> float:
        return self.time

    def tell(self) -> None:
        """Acts and faults, with quiet times in between; then peace."""
        story = self.story
        for _ in range(_ACTS):
            name = story.one_of(_CHOICES)
            getattr(self, _METHODS[name])()
            self._work(story.one_of((1, 2, 3, 5, 8, 13, 40)))
            self.time += story.one_of((0.0, 0.0, 5.0, 30.0, 600.0))
            if story.chance(0.08):
                self.time += DAY + HOUR  # what was condemned, or is too many, may go
            self._judge()
            if story.chance(0.12):
                self._calm()
        self._rest()

    # -- people ------------------------------------------------------------------------------------

    def _upload(self) -> None:
        story = self.story
        if not story.happens("act", "upload"):
            return
        workspace = story.one_of((1, 1, 2))
        some = list[Content]()
        for _ in range(story.one_of((1, 2, 3))):
            number = int(story.random.random() * 12)
            some.append(Content(f"{number:064x}", (1 + number) * 7 * MIB))
        for _ in range(story.one_of((0, 0, 2, 4))):
            hash = story.one_of(list(SMALL))
            some.append(Content(hash, len(SMALL[hash])))
        contents = list(dict.fromkeys(some))
        self._uploads += 1
        story.tell(f"upload {[one.hash[-2:] for one in contents]} to {workspace}")
        name, server = f"upload {self._uploads}", self.server
        if self._uploads % _FORWARDED:
            server.steps.begin(name, self._store(server, workspace, contents))
            return
        file = ComingFile(contents[0].size, 0, lambda: -1)
        arriving = ArrivingContent(name, file, server.forwarding.end, self.now)
        server.steps.begin(f"forward {name}", server.forwarding.send(workspace, arriving))
        server.steps.begin(name, self._store_forwarded(server, workspace, contents, arriving))

    async def _store_forwarded(
        self, server: Server, workspace: int, contents: list[Content], arriving: ArrivingContent
    ) -> None:
        """The first one goes on to nodes while it arrives, which may be given up."""
        await server.cluster.pause(self.story.one_of((0.0, 1.0, 30.0)))
        if self.story.chance(0.1):
            arriving.close()
            return
        arriving.sealed(contents[0])
        try:
            await self._store(server, workspace, contents)
        finally:
            server.forwarding.secured(contents)

    async def _store(self, server: Server, workspace: int, contents: list[Content]) -> None:
        hashes = [one.hash for one in contents]
        self.spool.update(hashes)
        used = {hash for _, hash in self.referred}
        for hash in hashes:
            # Copies that faults destroyed, and the server believes in, until it finds out.
            there = {id for id, one in self.machines.items() if hash in one.blobs}
            bad = len((self._believed(hash) | there).difference(self._good(hash)))
            if hash not in used and not self.coming[hash]:
                self.had[hash], self.hurt[hash] = 0, bad
                self.whole[hash] = self._destroyed_in_all(hash) - bad
        self.coming.update(hashes)
        server.links.claims.hold(hashes)
        numbers = await server.placing.secure(workspace, contents)
        sizes = [one.size for one in contents]
        await server.cluster.pause(self.story.one_of((0.0, 1.0, 700.0)))
        large = [one for one in contents if one.hash not in SMALL]
        lists = {one.hash: pieces_of(one) * DIGESTS.of_hole(MIB) for one in large}
        self.folders.blobs.record(workspace, hashes, sizes, numbers, lists)
        for one in contents:
            self.referred[workspace, one.hash] = one.size
            good = len(self._good(one.hash))
            needed = quorum(self.copies[workspace])
            # The server may believe for a moment in what was destroyed since all of it was good.
            destroyed = self._destroyed_in_all(one.hash) - self.whole[one.hash]
            if good + destroyed < needed:
                raise BrokenPromiseError(
                    f"{one.hash[-2:]} was receipted with {good} copies, not {needed}"
                )
            self.coming[one.hash] -= 1
            self.lost.discard(one.hash)
            self.had[one.hash] = min(max(self.had[one.hash], good), self._wanted(one.hash))
        self.story.covered["step receipt"] += 1
        await server.cluster.pause(0.0)
        server.links.release(hashes)

    def _delete(self) -> None:
        if self.referred and self.story.happens("act", "delete"):
            key = self.story.one_of(list(self.referred))
            self.story.tell(f"delete {key[1][-2:]} of {key[0]}")
            del self.referred[key]

    def _read(self) -> None:
        if self.referred and self.story.happens("act", "read"):
            workspace, hash = key = self.story.one_of(list(self.referred))
            content = Content(hash, self.referred[key])
            if hash in SMALL and self.story.chance(0.7):
                self._begin("read small", self._read_small(self.server, workspace))
            else:
                self._begin("read", self._stream(self.server, workspace, content))

    async def _read_small(self, server: Server, workspace: int) -> None:
        """A client reads all that is small; what does not come in packets is opened."""
        own = [key for key in self.referred if key[0] == workspace and key[1] in SMALL]
        contents = [Content(hash, self.referred[workspace, hash]) for _, hash in own]
        contents += contents[: self.story.one_of((0, 1))]
        ahead = server.reading.ahead(workspace, contents, lambda: None)
        fetches = 0
        try:
            while ask := server.asks.next():
                fetches += 1
                await fetch_small(server.cluster, ask)
            while contents:
                views = [memoryview(bytearray(one.size)) for one in contents]
                count, is_coming = ahead.read(contents, views)
                for one, view in zip(contents[:count], views, strict=False):
                    if view != SMALL[one.hash]:
                        raise BrokenPromiseError(f"{one.hash[-2:]} was read, but it is not that")
                    self.story.covered["step small read"] += 1
                contents = contents[count:]
                if not contents:
                    break
                if is_coming:
                    raise BrokenPromiseError(f"{contents[0].hash[-2:]} comes, but nobody brings it")
                await self._stream(server, workspace, contents.pop(0))
        finally:
            ahead.close()

    async def _stream(self, server: Server, workspace: int, content: Content) -> None:
        """A client reads; a node that has a good copy all the time is enough for it."""
        await server.cluster.pause(0.0)
        sources = self._sources(server, workspace, content)
        first = self.story.one_of((0, 0, pieces_of(content) // 2))
        byte = memoryview(bytearray(1))
        reader = server.reading.open(workspace, content, lambda: None)
        try:
            for number in range(first, min(pieces_of(content), first + _READ_PIECES)):
                while reader.read_into(byte, number * MIB) is None:
                    workspace_of, runs = server.held.batch()
                    if runs:
                        await server.fetching.fetch(workspace_of, runs)
                    else:
                        await server.cluster.pause(0.0)  # another reader's work brings it
                await server.cluster.pause(self.story.one_of((0.0, 0.0, 1.0)))
        except ProblemError as error:
            if left := sources & self._sources(server, workspace, content):
                raise BrokenPromiseError(
                    f"{content.hash[-2:]} was not read to its end, although {left} had it: {error}"
                ) from error
        finally:
            reader.close()

    def _sources(
        self, server: Server, workspace: int, content: Content
    ) -> set[tuple[int, NodeSession | None, int]]:
        """The nodes that have a good copy that is known: the same values while it stays good."""
        nodes = self.folders.blobs.nodes_of(workspace, content.hash) or frozenset()
        readable = standing(nodes, server.links.members(), 1).readable
        good = self._good(content.hash)
        return {
            (node, server.links.session(node), self.destroyed[node, content.hash])
            for node in readable
            if node in good
        }

    def _drain(self) -> None:
        machine = self._some_machine()
        if machine and self.story.happens("act", "drain"):
            self.story.tell(f"drain {machine.id}")
            machine.draining = not machine.draining
            self.server.drains[machine.id] = self.server.links.claims.mark()

    def _remove(self) -> None:
        drained = [machine for machine in self.machines.values() if self._may_remove(machine)]
        if drained and self.story.happens("act", "remove"):
            machine = self.story.one_of(drained)
            self.story.tell(f"remove {machine.id}")
            self._forget(machine)

    def _may_remove(self, machine: Machine) -> bool:
        mark = self.server.drains.get(machine.id)
        if not machine.draining or mark is None or not self.server.links.claims.is_past(mark):
            return False
        stocks = _now(self.server.cluster.stocks())
        return is_drained(stocks, self.server.links.members(), machine.id)

    def _add(self) -> None:
        if len(self.machines) < 6 and (len(self.machines) < 3 or self.story.happens("act", "add")):
            id = max([*self.machines, *self.folders.lives, 0]) + 1
            size = self.story.one_of((400, 800, 2_000)) * MIB
            machine = Machine(id, self.story.one_of("aabcd"), size, size, self._epoch())
            self.machines[id] = machine
            self.folders.add(id)
            self.story.tell(f"node {id} in zone {machine.zone} with {size // MIB} MiB")

    # -- faults ------------------------------------------------------------------------------------

    def _death(self) -> None:
        machine = self._some_machine()
        if machine and len(self.machines) > 2 and self.story.happens("fault", "death"):
            self.story.tell(f"node {machine.id} dies for good")
            self._destroy(machine, list(machine.blobs))
            self._leave(machine)
            machine.blobs.clear()
            machine.epoch = "dead"

    def _away(self) -> None:
        machine = self._some_machine()
        if machine is None or machine.epoch == "dead":
            return
        if machine.since is None:
            if self.story.happens("fault", "away"):
                self.story.tell(f"node {machine.id} is away")
                self._leave(machine)
        else:
            self.story.tell(f"node {machine.id} is back")
            machine.since = None
            machine.takes_packets = self.story.chance(0.8)  # another version runs there

    def _old(self) -> None:
        machine = self._some_machine()
        if machine is None or machine.epoch == "dead":
            return
        if machine.snapshot is None or self.story.chance(0.4):
            machine.snapshot = machine.epoch, machine.sequence, dict(machine.blobs)
        elif self.story.happens("fault", "old"):
            epoch, sequence, blobs = machine.snapshot
            self.story.tell(
                f"node {machine.id} comes back old, at {sequence} not {machine.sequence}"
            )
            self._leave(machine)
            self._destroy(machine, [hash for hash in machine.blobs if not blobs.get(hash)])
            machine.epoch, machine.sequence, machine.blobs = epoch, sequence, dict(blobs)
            machine.since = None

    def _rot(self) -> None:
        machine = self._some_machine()
        if machine and machine.blobs and self.story.happens("fault", "rot"):
            hash = self.story.one_of(list(machine.blobs))
            self.story.tell(f"{hash[-2:]} rots on node {machine.id}")
            self._destroy(machine, [hash])
            machine.blobs[hash] = False

    def _lose_marker(self) -> None:
        machine = self._some_machine()
        if machine and machine.epoch != "dead" and self.story.happens("fault", "marker lost"):
            self.story.tell(f"node {machine.id} has lost its marker")
            self._leave(machine)
            machine.epoch, machine.sequence, machine.snapshot = self._epoch(), 0, None
            if self.story.chance(0.5):
                self._destroy(machine, list(machine.blobs))
                machine.blobs.clear()
            machine.since = None

    def _fill(self) -> None:
        machine = self._some_machine()
        if machine and self.story.happens("fault", "full"):
            machine.real = machine.used + self.story.one_of((0, 30, 80)) * MIB
            self.story.tell(f"node {machine.id} lies about its room")

    def _crash(self) -> None:
        if self.story.happens("fault", "crash"):
            self.story.tell("the server dies and starts")
            self.server.links.is_dead = True
            self.server.steps.kill()
            self.server = Server(self)
            self.coming.clear()
            if self.story.chance(0.5):
                self.spool.clear()  # what nobody has recorded may be dropped

    def _late(self) -> None:
        for machine in self.machines.values():
            if (
                machine.late
                and machine.since is None
                and self.story.happens("fault", "late deletion")
            ):
                machine.take(*machine.late.pop(0))

    # -- works -------------------------------------------------------------------------------------

    def _work(self, steps: int) -> None:
        """The server works for so many steps."""
        for _ in range(steps):
            self._join()
            if len(self.server.steps) < 2 or self.story.chance(0.1):
                self._begin_one()
            if not self.server.steps.take():
                self.time += 1.0

    def _join(self) -> None:
        server = self.server
        for id, machine in self.machines.items():
            if machine.since is not None:
                continue
            if id not in server.links.sessions:
                server.links.begin(id)
            session = server.links.sessions[id]
            if id not in server.links.joined:
                if f"join {id}" not in server.steps:
                    server.steps.begin(f"join {id}", self._take_in(server, machine, session))
            elif server.links.compared.get(id) != (session, machine.damaged) and (
                f"compare {id}" not in server.steps
            ):
                server.steps.begin(f"compare {id}", self._compare(server, machine, session))

    async def _take_in(self, server: Server, machine: Machine, session: NodeSession) -> None:
        id = machine.id
        await server.cluster.pause(0.0)
        shown = Life(machine.epoch, machine.sequence)
        if id not in self.folders.known or server.links.sessions.get(id) != session:
            return
        known = Life(*self.folders.known[id])
        life = await server.joining.join(id, known, self.folders.lives[id], shown)
        now = server.links.sessions.get(id)
        if now is not None and now.number == session.number:
            server.links.sessions[id] = session._replace(life=life)
            server.links.joined.add(id)

    async def _compare(self, server: Server, machine: Machine, session: NodeSession) -> None:
        damaged = machine.damaged
        await server.joining.compare(machine.id, session.life)
        server.links.compared[machine.id] = session, damaged

    def _begin_one(self) -> None:
        server = self.server
        name = self.story.one_of(("repair", "repair", "sweep", "trim", "age", "mark 1", "mark 2"))
        if name in server.steps:
            return
        server.steps.begin(name, self._work_named(name))

    def _work_named(self, name: str) -> Coroutine[Any, Any, object]:
        server = self.server
        if name == "repair":
            return server.repairing.step()
        if name == "sweep":
            return server.deleting.step()
        if name == "trim":
            return server.trimming.step()
        if name == "age":
            return server.deleting.age()
        return self._mark(server, int(name[-1]))

    async def _mark(self, server: Server, workspace: int) -> None:
        """What nothing refers to is condemned, and forgotten by a sweep of a day later.

        The rows are looked at now; meanwhile others record.
        """
        blobs = self.folders.blobs
        rows = [row for own in blobs.rows.values() if (row := own.get(workspace))]
        lost = [row for row in rows if (workspace, row.hash) not in self.referred]
        await server.cluster.pause(0.0)
        live = [row.hash for row in lost if row.state == LIVE]
        # As the server's sweep: what was recorded meanwhile counts as referred to.
        blobs.condemn(
            workspace, [one for one in live if (workspace, one) not in self.referred], self.time
        )
        await server.cluster.pause(0.0)
        old = [row.hash for row in lost if row.state and self.time - row.since >= DAY]
        if old:
            server.deleting.forget(workspace, old)

    def _begin(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        if name in self.server.steps:
            work.close()
        else:
            self.server.steps.begin(name, work)

    # -- what holds --------------------------------------------------------------------------------

    def _good(self, hash: str) -> list[int]:
        return [id for id, machine in self.machines.items() if machine.blobs.get(hash)]

    def _believed(self, hash: str) -> frozenset[int]:
        """The nodes that have a content, by its rows."""
        blobs = self.folders.blobs
        return frozenset().union(*(blobs.nodes_of(one, hash) or () for one in (1, 2)))

    def _destroy(self, machine: Machine, hashes: list[str]) -> None:
        """Good copies are destroyed by a fault."""
        for hash in hashes:
            if machine.blobs.get(hash):
                self.hurt[hash] += 1
                self.destroyed[machine.id, hash] += 1

    def _destroyed_in_all(self, hash: str) -> int:
        return sum(count for (_, other), count in self.destroyed.items() if other == hash)

    def _wanted(self, hash: str) -> int:
        """How many copies of a content there are to be, by those who refer to it."""
        return max(self.copies[one] for one, other in self.referred if other == hash)

    def _judge(self) -> None:
        for workspace, hash in self.referred:
            good = self._good(hash)
            if self.coming[hash] and good:
                continue
            # Copies that are about to be deleted are none any more.
            rows = self.folders.blobs.nodes_of(workspace, hash) or frozenset()
            kept, wanted = len(rows.intersection(good)), self._wanted(hash)
            if kept >= wanted:
                # What faults destroyed, and the server still believes in, may be what it keeps.
                self.hurt[hash], self.had[hash] = len(rows) - kept, wanted
                if kept == len(rows) and not self.coming[hash]:
                    self.whole[hash] = self._destroyed_in_all(hash)
            elif not good and hash not in self.lost:
                if self.hurt[hash] < self.had[hash]:
                    raise BrokenPromiseError(
                        f"{hash[-2:]} of {workspace} is lost: {self.hurt[hash]} of its"
                        f" {self.had[hash]} copies were destroyed by faults"
                    )
                self.lost.add(hash)
                self.story.covered["step lost to faults"] += 1
                self.story.tell(f"{hash[-2:]} is lost to faults")

    def _calm(self) -> None:
        """Nothing happens for a while: the server repairs."""
        self.story.tell("calm")
        for machine in self.machines.values():
            if machine.since is not None and machine.epoch != "dead":
                machine.since = None
            self._scrub(machine)
        self.time += HOUR
        for _ in range(4):
            self._settle(("repair",))
            self.time += 61.0
        if self.story.chance(0.4):
            for _ in range(2):
                self._settle(_WORKS)
                self.time += DAY
            self._settle(("sweep",))
        self._judge()

    def _scrub(self, machine: Machine) -> None:
        for hash in [hash for hash, good in machine.blobs.items() if not good]:
            machine.set_aside(hash)

    def _settle(self, names: Collection[str]) -> None:
        """Does these works, until nothing is under way."""
        server = self.server
        for _ in range(20):
            self._join()
            while server.steps.take():
                pass
            for _ in range(3):
                for name in names:
                    if name not in server.steps:
                        server.steps.begin(name, self._work_named(name))
            while server.steps.take():
                pass
            self.time += 1.0
            if not any(
                id not in server.links.joined
                for id, one in self.machines.items()
                if one.since is None
            ):
                return

    def _is_coming(self, machine: Machine) -> bool:
        """It is there, and the server does not know all of it yet."""
        links, id = self.server.links, machine.id
        known = links.sessions.get(id), machine.damaged
        return machine.since is None and (id not in links.joined or links.compared.get(id) != known)

    def _rest(self) -> None:
        """Peace: all that still live are there and say the truth, and time passes."""
        story = self.story
        story.tell("peace")
        for machine in self.machines.values():
            if machine.epoch != "dead":
                machine.since = None
            machine.real = machine.announced = 4_000 * MIB
            machine.late.clear()
            self._scrub(machine)
        self._finish_uploads()
        self.server.links.is_dead = True
        self.server.steps.kill()
        self.coming.clear()
        self.server = Server(self)  # every inventory is compared
        self.server.links.is_peaceful = True
        for _ in range(_ROUNDS):
            self._settle(_WORKS)
            self._settle(("repair", "trim"))
            self.time += 1.01 * DAY
        for _ in range(3):
            self._settle(("sweep",))
        self._judge()
        self._converged()

    def _finish_uploads(self) -> None:
        """What waits for enough nodes gets its receipt, now that they are there."""
        self.server.links.is_peaceful = True
        for _ in range(4):
            self.time += 700.0
            self._settle(("sweep",))
        left = [name for name in self.server.steps if name.startswith("upload")]
        up = sum(member.takes for member in self.server.links.members().values())
        if left and up >= max(quorum(copies) for copies in self.copies.values()):
            raise BrokenPromiseError(f"{left[0]} waits for ever, with {up} nodes up")

    def _converged(self) -> None:
        members = self.server.links.members()
        if lacking := plan(_now(self.server.cluster.stocks()), members):
            raise BrokenPromiseError(f"at rest copies are missing: {lacking[0]}")
        for key in self.referred:
            if key[1] not in self.lost:
                self._is_placed(*key)
        blobs = self.folders.blobs
        for row in [row for own in blobs.rows.values() for row in own.values()]:
            if row.workspace and (row.workspace, row.hash) not in self.referred:
                raise BrokenPromiseError(f"{row.hash[-2:]} was not swept: {row}")
        for machine in self.machines.values():
            for hash in machine.blobs:
                if not any(machine.id in (blobs.nodes_of(one, hash) or ()) for one in (1, 2)):
                    raise BrokenPromiseError(f"{hash[-2:]} is still on node {machine.id}")

    def _is_placed(self, workspace: int, hash: str) -> None:
        nodes = self.folders.blobs.nodes_of(workspace, hash)
        if nodes is None:
            raise BrokenPromiseError(f"{hash[-2:]} of {workspace} has no row")
        there = {id for id in nodes if self.machines[id].epoch != "dead"}
        if not there or there - set(self._good(hash)):
            raise BrokenPromiseError(f"{hash[-2:]} is not where it should be: {there}")
        if len(there) > self.copies[workspace] and not self._is_shared(hash, there):
            raise BrokenPromiseError(f"{hash[-2:]} has too many copies: {there}")

    def _is_shared(self, hash: str, nodes: set[int]) -> bool:
        """Another workspace wants more copies, or zones are too few to say which are too many."""
        more = max(self.copies[one] for one, other in self.referred if other == hash)
        zones = {self.machines[id].zone for id in nodes if not self.machines[id].draining}
        draining = sum(self.machines[id].draining for id in nodes)
        return len(nodes) <= more or len(zones) < more or len(nodes) - draining <= more

    # -- machines ----------------------------------------------------------------------------------

    def _some_machine(self) -> Machine | None:
        return self.story.one_of(list(self.machines.values())) if self.machines else None

    def _epoch(self) -> str:
        return f"{int(self.story.random.random() * 1e9):x}"

    def _leave(self, machine: Machine) -> None:
        if machine.since is None:
            machine.since = self.time
        self.server.links.end(machine.id)

    def _forget(self, machine: Machine) -> None:
        self.server.links.end(machine.id)
        del self.machines[machine.id]
        self.folders.remove(machine.id)


def _now(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a work, all steps at once."""
    try:
        while True:
            work.send(None)
    except StopIteration as end:
        return end.value


_METHODS: Final = {
    "upload": "_upload",
    "delete": "_delete",
    "read": "_read",
    "drain": "_drain",
    "remove": "_remove",
    "add": "_add",
    "death": "_death",
    "away": "_away",
    "old": "_old",
    "rot": "_rot",
    "marker lost": "_lose_marker",
    "full": "_fill",
    "crash": "_crash",
    "late deletion": "_late",
}
_WEIGHTS: Final = {
    "upload": 8,
    "delete": 4,
    "read": 4,
    "rot": 2,
    "away": 3,
    "old": 3,
    "crash": 2,
    "late deletion": 2,
}
_CHOICES: Final = [name for name in _METHODS for _ in range(_WEIGHTS.get(name, 1))]


def tell(seed: int, without: Collection[int] = ()) -> Verdict:
    """Tells the history of one seed."""
    story = Story(seed, without)
    history = NodeHistory(story)
    failure = ""
    try:
        history.tell()
    except BrokenPromiseError as error:
        failure = str(error)
    history.server.links.is_dead = True
    history.server.steps.kill()
    return Verdict(
        seed,
        story.digest(),
        story.covered,
        failure,
        len(history.lost) if failure else 0,
        tuple(story.lines),
        story.happenings,
    )
