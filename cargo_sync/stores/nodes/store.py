"""The store of contents on nodes: see `contract.ContentStore`.

Calls come from lane threads and handlers; the work is done in the event loop, and what blocks on
this machine's disk in its threads. Below the quorum contents wait in the spool.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cargo_sync.lanes.ports import Reader
from cargo_sync.machines.nodes.placement import quorum
from cargo_sync.machines.nodes.repair import RATE, UNKNOWN_SECONDS, is_drained
from cargo_sync.machines.nodes.states import PATIENCE, Patience
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import World
from cargo_sync.process.tasks import contained, lasting
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.contract import (
    Coming,
    ComingFile,
    Content,
    Done,
    Forward,
    Secured,
    Wake,
)
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.nodes.deleting import Deleting
from cargo_sync.stores.nodes.fetching import PieceFetching
from cargo_sync.stores.nodes.fleet import NOTE_SECONDS, Dial, NodeFleet, NodeTable
from cargo_sync.stores.nodes.forwarding import Forwarding
from cargo_sync.stores.nodes.inventory import TakingIn
from cargo_sync.stores.nodes.ports import Cluster, CopyRows
from cargo_sync.stores.nodes.recent_pieces import RecordMemory
from cargo_sync.stores.nodes.repairing import Repairing, Trimming
from cargo_sync.stores.nodes.securing import Securing
from cargo_sync.stores.nodes.small_fetching import fetch_small
from cargo_sync.stores.nodes.survey import CopySurvey, StoreReport
from cargo_sync.stores.reading.ahead import SmallAsks
from cargo_sync.stores.reading.held_pieces import HeldPieces
from cargo_sync.stores.reading.windows import ContentReading
from cargo_sync.stores.spool import BlobSpool

IDLE: Final = 5.0
"""Seconds between two looks at what is to be repaired or deleted."""
DAY: Final = 86_400.0
PAGE: Final = 1_000
_STOPPED: Final = Problem(Code.STOPPED, "the server stops", hint="it is tried again")


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How nodes are used.

    wanted    copies that a workspace wants
    patience  seconds of silence after which nodes are given up
    rate      bits per second of repairs
    deletes   whether copies may be deleted now
    keep_unknown  seconds for which copies stay that nobody knows
    """

    wanted: Callable[[int], int]
    patience: Patience = PATIENCE
    rate: int = RATE
    deletes: Callable[[], bool] = lambda: True
    keep_unknown: float = UNKNOWN_SECONDS


class NodeStore:
    """Keeps contents on nodes. See the module."""

    def __init__(
        self,
        spool: BlobSpool,
        claims: Claims,
        tables: tuple[CopyRows, NodeTable],
        dial: Dial,
        world: World,
        settings: NodeSettings,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        """To be made in the event loop. `claims` are the holds of the spool."""
        blobs, rows = tables
        self.spool = spool
        self.fleet = NodeFleet(rows, dial, self._release, world, pause, settings.patience)
        self._settings = settings
        self._claims = claims
        self._loop = asyncio.get_running_loop()
        self._tasks: asyncio.TaskGroup | None = None
        self.cluster = Cluster(
            blobs,
            self.fleet,
            claims,
            world,
            settings.wanted,
            pause,
            _together,
            self._rate,
            settings.deletes,
            settings.keep_unknown,
        )
        self._rows = rows
        self._forwarding = Forwarding(self.cluster)
        self._records = RecordMemory()
        self._securing = Securing(self.cluster, self._forwarding.nodes)
        self._repairing = Repairing(self.cluster)
        self._survey = CopySurvey(self.cluster, self._repairing.progress)
        self._trimming = Trimming(self.cluster)
        self._deleting = Deleting(self.cluster)
        self._queued = asyncio.Event()
        queued = partial(self._loop.call_soon_threadsafe, self._queued.set)
        self._held, self._asks = HeldPieces(queued), SmallAsks(queued)
        self._reading = ContentReading(self._held, self._asks)
        self._fetching = PieceFetching(self.cluster, self._held)
        self.fleet.joining = TakingIn(self.cluster, rows)
        self._drains: dict[int, int] = {}

    async def run(self) -> None:
        """Does all the work, until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._held.start()
                self._asks.start()
                await self.fleet.read(tasks)
                for work, name in (
                    (self._repair, "repair of copies"),
                    (self._survey.run, "looking for missing copies"),
                    (self._trim, "copies too many"),
                    (self._delete, "deletion of copies"),
                    (self._fetch, "reading from nodes"),
                    (self._note, "absence of nodes"),
                    (self._tidy, "clean-up of the spool"),
                ):
                    tasks.create_task(lasting(work, name))
        finally:
            self._tasks = None
            self._held.stop(_STOPPED)
            self._asks.stop()
            await self.fleet.stop()

    # -- as `ContentStore` -------------------------------------------------------------------------

    def forward(self, workspace: int, file: ComingFile) -> Forward:
        world, call = self.cluster.world, self._loop.call_soon_threadsafe

        def closed(arriving: ArrivingContent) -> None:
            with suppress(RuntimeError):  # the loop is closed
                call(self._forwarding.end, arriving)

        arriving = ArrivingContent(world.token(), file, closed, world.steady, self._records)
        with suppress(RuntimeError):
            call(self._forward, workspace, arriving)
        return arriving

    def is_here(self, workspace: int, file: Offer, source: bytes) -> bool:
        return True  # there is no other server

    def secure(self, workspace: int, contents: Sequence[Content], done: Done) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._begin, workspace, contents, done)

    def release(self, contents: Sequence[Content]) -> None:
        self._drop([one.hash for one in contents])

    def refusal(self, workspace: int) -> Problem | None:
        up = sum(member.takes for member in self.fleet.members().values())
        needed = quorum(self._settings.wanted(workspace))
        if up >= needed:
            return None
        message = f"{up} of {needed} storage nodes that are needed answer and have room"
        return Problem(Code.BELOW_QUORUM, message, hint="it is tried again: cargo_ctl node list")

    def open(self, workspace: int, content: Content, wake: Wake | None) -> Reader:
        return self._reading.open(workspace, content, wake)

    def coming(
        self, workspace: int, contents: Sequence[Content], wake: Wake | None = None
    ) -> Coming:
        return self._reading.ahead(workspace, contents, wake)

    def forget(self, workspace: int, hashes: Sequence[str]) -> None:
        self._deleting.forget(workspace, hashes)

    def room(self, workspace: int) -> int | None:
        free = sum(one.free for one in self.fleet.members().values() if one.takes)
        return free // max(1, self._settings.wanted(workspace))

    # -- for people --------------------------------------------------------------------------------

    def report(self) -> StoreReport:
        """How the nodes are; what is missing as it was at the last look."""
        nodes = sorted(map(self.fleet.report, self.fleet.nodes), key=lambda one: one.row.name)
        return StoreReport(tuple(nodes), self._survey.census, self._survey.repair())

    async def look(self) -> StoreReport:
        """How the nodes are, and what is missing now. Raises ProblemError."""
        await self._survey.look()
        return self.report()

    async def drain(self, node: int, *, draining: bool) -> None:
        """The copies of a node are to lie elsewhere, or may stay."""
        await self.cluster.world.offload(partial(self._rows.drain, draining=draining), node)
        self._drains.pop(node, None)
        if draining:
            self._drains[node] = self._claims.mark()
        await self.read_nodes()

    async def is_drained(self, node: int) -> bool:
        """Whether nothing needs the copies of a node that is being drained."""
        found = self.fleet.nodes.get(node)
        if found is None or not found.row.draining:
            return False
        mark = self._drains.setdefault(node, self._claims.mark())
        if not self._claims.is_past(mark):
            return False
        return is_drained(await self.cluster.stocks(), self.fleet.members(), node)

    async def remove(self, node: int) -> None:
        """Removes a node: none of its copies counts any more."""
        await self.cluster.world.offload(self._rows.remove, node)
        self._drains.pop(node, None)
        await self.read_nodes()

    async def scrub(self, node: int, rate: int | None) -> None:
        """A node begins to check all of its copies. Raises ProblemError."""
        await self.fleet.nodes[node].client.scrub(rate)

    async def read_nodes(self) -> None:
        """Reads the rows of nodes again: one has joined, was changed, or removed."""
        if self._tasks is not None:
            await self.fleet.read(self._tasks)

    # -- works -------------------------------------------------------------------------------------

    def _begin(self, workspace: int, contents: Sequence[Content], done: Done) -> None:
        results: list[Secured | Problem] = [_STOPPED] * len(contents)
        if self._tasks is None:
            done(results)
            return
        work = self._secure(workspace, contents, results)
        kept = contained(work, "copies of an upload")
        try:
            task = self._tasks.create_task(kept)
        except RuntimeError:  # the group is ending
            kept.close()
            work.close()
            done(results)
            return

        def ended(_task: object) -> None:
            work.close()  # it may have been cancelled before it began
            done(results)

        task.add_done_callback(ended)

    async def _secure(
        self, workspace: int, contents: Sequence[Content], results: list[Secured | Problem]
    ) -> None:
        try:
            numbers = await self._securing.secure(workspace, contents)
            lists = await self.cluster.world.offload(self.spool.lists, contents)
            alike = dict[tuple[int, bytes], Secured]()  # contents are many, placements are few
            results[:] = [
                alike.get(one) or alike.setdefault(one, Secured(*one))
                for one in zip(numbers, lists, strict=True)
            ]
        except ProblemError as error:
            results[:] = [error.problem] * len(contents)
        finally:
            self._forwarding.secured(contents)

    def _forward(self, workspace: int, arriving: ArrivingContent) -> None:
        if self._tasks is None:
            return
        work = contained(self._forwarding.send(workspace, arriving), "a content that arrives")
        try:
            self._tasks.create_task(work)
        except RuntimeError:  # the group is ending
            work.close()

    async def _repair(self) -> None:
        while True:
            seconds = await self._repairing.step()
            await self.cluster.pause(IDLE if seconds is None else seconds)

    async def _trim(self) -> None:
        while True:
            seconds = await self._trimming.step()
            await self.cluster.pause(IDLE if seconds is None else seconds)

    async def _delete(self) -> None:
        while True:
            more = await self._deleting.age()
            more = await self._deleting.step() or more
            await self.cluster.pause(0.0 if more else IDLE)

    async def _fetch(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._queued.clear()
                while (batch := self._held.batch())[1]:
                    work = self._fetching.fetch(*batch)
                    tasks.create_task(contained(work, "reading from nodes"))
                while ask := self._asks.next():
                    small = fetch_small(self.cluster, ask)
                    tasks.create_task(contained(small, "reading small files from nodes"))
                await self._queued.wait()

    async def _note(self) -> None:
        while True:
            await self.cluster.pause(NOTE_SECONDS)
            await self.fleet.note_away()

    async def _tidy(self) -> None:
        """What an earlier process left in the spool, and nobody has come for in a day, goes."""
        await self.cluster.pause(DAY)
        after = ""
        offload = self.cluster.world.offload
        while found := (await offload(self.spool.blobs.inventory, after, PAGE)).hashes:
            await offload(self._claims.drop, found, self.spool.remove)
            after = found[-1]

    def _release(self, hashes: Sequence[str]) -> None:
        """As `release`, in the event loop, which does not wait for the disk."""
        self._loop.run_in_executor(None, self._drop, hashes)

    def _drop(self, hashes: Sequence[str]) -> None:
        if free := self._claims.release(hashes):
            self._claims.drop(free, self.spool.remove)

    def _rate(self) -> int:
        return self._settings.rate


async def _together(some: Sequence[Coroutine[Any, Any, bool]]) -> Sequence[bool]:
    return await asyncio.gather(*some)
