"""The store of contents in buckets: see `contract.ContentStore`.

Calls come from lane threads and handlers; the work is done in an event loop of its own, so that
bytes on their way to a bucket hold up nothing else. What blocks on this machine's disk is done in
threads. While a bucket does not answer, contents wait in the spool.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from cargo_sync.lanes.ports import Reader
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import World
from cargo_sync.process.tasks import contained, lasting
from cargo_sync.state.object_uploads import SharedTransfer
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.contract import (
    Coming,
    ComingFile,
    Content,
    Done,
    Forward,
    NoForward,
    Secured,
    Wake,
)
from cargo_sync.stores.objects.buckets import BucketReport, Buckets, StoreBucket
from cargo_sync.stores.objects.budget import PartMemory
from cargo_sync.stores.objects.fetching import ObjectFetching
from cargo_sync.stores.objects.forwarding import ArrivingObject, ObjectForwarding
from cargo_sync.stores.objects.handover import ComingRows, Handover, OtherServers
from cargo_sync.stores.objects.ports import ObjectRows, PlaceRows, Storage
from cargo_sync.stores.objects.recalling import Recalls
from cargo_sync.stores.objects.reclaiming import Reclaiming, ReclaimPart
from cargo_sync.stores.objects.repacking import Repacking
from cargo_sync.stores.objects.storing import Storing
from cargo_sync.stores.objects.upkeep import DAY, KEPT, ORPHANED, Periods, Upkeep
from cargo_sync.stores.objects.uses import ObjectUses
from cargo_sync.stores.reading.ahead import SmallAsks
from cargo_sync.stores.reading.held_pieces import HeldPieces
from cargo_sync.stores.reading.windows import ContentReading
from cargo_sync.stores.spool import BlobSpool

TURN: Final = 10.0
"""Seconds between two looks at what is due."""
MINUTE: Final = 60.0
HOUR: Final = 3_600.0
PAGE: Final = 1_000
_log = logging.getLogger(__name__)
_STOPPED: Final = Problem(Code.STOPPED, "the server stops", hint="it is tried again")


class ObjectStore:
    """Keeps contents in buckets. See the module.

    buckets  all of them, and which workspace has which
    """

    def __init__(
        self,
        spool: BlobSpool,
        claims: Claims,
        tables: tuple[ObjectRows, PlaceRows, ComingRows],
        world: World,
        pause: Callable[[float], Awaitable[None]],
        kept: float = KEPT,
        servers: OtherServers | None = None,
    ) -> None:
        """To be made in the event loop.

        Args:
            spool: where contents come.
            claims: the holds of the spool.
            tables: rows of objects, of contents, and of what is on its way.
            world: clocks, ids and threads.
            pause: waits for some seconds.
            kept: seconds for which an object is kept in which nothing is recorded any more.
            servers: that share the state, and go on with what another one was receiving.
        """
        objects, contents, coming = tables
        self.spool = spool
        self.buckets = Buckets()
        self._claims = claims
        self._loop = asyncio.get_running_loop()
        self._tasks: asyncio.TaskGroup | None = None
        storage = Storage(objects, contents, spool, claims, world, PartMemory(), pause)
        self._storage = storage
        self._uses = ObjectUses(claims.is_held)
        self._storing = Storing(storage, self._uses)
        self._handover = Handover(storage, coming, self.buckets, servers)
        self._forwarding = ObjectForwarding(self._handover, self._storing, self._uses)
        self._recalls = Recalls(self._handover)
        self._arrived: dict[Content, dict[int, ArrivingObject]] = {}
        """What has gone on while it came, and is about to be secured: by workspace."""
        self._under_way: dict[Content, dict[int, asyncio.Future[Secured | Problem]]] = {}
        """What is secured, or will be, as long as somebody holds it: by workspace."""
        self._queued = asyncio.Event()
        queued = partial(self._call, self._queued.set)
        self._held, self._asks = HeldPieces(queued), SmallAsks(queued)
        self._reading = ContentReading(self._held, self._asks)
        self._fetching = ObjectFetching(storage, self.buckets, self._held)
        self._upkeep = Upkeep(storage, self._uses, kept)
        self._reclaiming = Reclaiming(storage)
        self._repacking = Repacking(storage, self._storing, self._uses)
        self._periods = Periods(world.steady)

    async def run(self) -> None:
        """Does all the work, until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._held.start()
                self._asks.start()
                for work, name in (
                    (self._fetch, "reading from buckets"),
                    (self._look, "looking whether buckets answer"),
                    (self._tidy, "clean-up of buckets"),
                ):
                    tasks.create_task(lasting(work, name))
        finally:
            self._tasks = None
            self._held.stop(_STOPPED)
            self._asks.stop()

    # -- as `ContentStore` -------------------------------------------------------------------------

    def forward(self, workspace: int, file: ComingFile) -> Forward:
        try:
            bucket = self.buckets.of(workspace)
        except ProblemError:
            return NoForward()
        arriving = ArrivingObject(
            file,
            lambda one: self._call(self._seal, workspace, one),
            lambda one: self._call(one.more.set),
        )
        self._call(self._forward, bucket, workspace, arriving)
        return arriving

    def is_here(self, workspace: int, file: Offer, source: bytes) -> bool:
        recalls = self._recalls
        if (found := recalls.begin(file, source)) is not None:
            self._call(self._recall, workspace, file, found)
        return not recalls.is_expected(file.transfer)

    def secure(self, workspace: int, contents: Sequence[Content], done: Done) -> None:
        self._call(self._begin, workspace, contents, done)

    def release(self, contents: Sequence[Content]) -> None:
        hashes = [one.hash for one in contents]
        if free := self._claims.release(hashes):
            self._claims.drop(free, self.spool.remove)
            gone = set(free)
            self._call(self._released, [one for one in contents if one.hash in gone])

    def refusal(self, workspace: int) -> Problem | None:
        try:
            why = self.buckets.of(workspace).problem
        except ProblemError as error:
            why = error.problem
        if why is None:
            return None
        message = f"the bucket with this workspace's files cannot be used now: {why.message}"
        return Problem(Code.BELOW_QUORUM, message, hint=why.hint)

    def open(self, workspace: int, content: Content, wake: Wake | None) -> Reader:
        return self._reading.open(workspace, content, wake)

    def coming(
        self, workspace: int, contents: Sequence[Content], wake: Wake | None = None
    ) -> Coming:
        return self._reading.ahead(workspace, contents, wake)

    def forget(self, workspace: int, hashes: Sequence[str]) -> None:
        self._storage.contents.forget(workspace, hashes, self._storage.world.lived())

    def room(self, workspace: int) -> int | None:
        return None  # a bucket does not say

    def add(self, bucket: StoreBucket) -> None:
        """There is one more bucket, which is opened soon. Any thread may call it."""
        self.buckets.use(bucket)
        self._call(self._open, bucket)

    @property
    def is_leaving(self) -> bool:
        """Whether something goes on to a bucket whose client has gone. Any thread may ask."""
        return self._forwarding.is_leaving

    # -- for people --------------------------------------------------------------------------------

    def report(self) -> list[BucketReport]:
        """How the buckets are. Any thread may ask."""
        return [one.report() for one in self.buckets]

    async def reclaim(self, workspace: int, after: str, *, delete: bool) -> ReclaimPart:
        """What the bucket of a workspace has that the state has never known: see `Reclaiming`.

        To be awaited in the store's event loop. Raises ProblemError.
        """
        return await self._reclaiming.part(self.buckets.of(workspace), after, delete=delete)

    # -- works -------------------------------------------------------------------------------------

    def _call(self, work: Callable[..., object], *args: object) -> None:
        """In the event loop, soon."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(work, *args)

    def _begin(self, workspace: int, contents: Sequence[Content], done: Done) -> None:
        results: list[Secured | Problem] = [_STOPPED] * len(contents)
        work = self._secure(workspace, contents, results)
        task = self._spawn(work, "contents of an upload")
        if task is None:
            done(results)
            return

        def ended(_task: object) -> None:
            work.close()  # it may have been cancelled before it began
            done(results)

        task.add_done_callback(ended)

    def _spawn(self, work: Coroutine[Any, Any, object], name: str) -> asyncio.Task[None] | None:
        kept = contained(work, name)
        try:
            if self._tasks is not None:
                return self._tasks.create_task(kept)
        except RuntimeError:  # the group is ending
            pass
        kept.close()
        work.close()
        return None

    async def _secure(
        self, workspace: int, contents: Sequence[Content], results: list[Secured | Problem]
    ) -> None:
        new = list[Content]()
        waits = dict[Content, asyncio.Future[Secured | Problem]]()
        for content in contents:
            known = self._under_way.setdefault(content, {})
            if workspace not in known:
                known[workspace] = self._loop.create_future()
                new.append(content)
            waits[content] = known[workspace]
        try:
            await self._store(workspace, new)
        finally:
            for content in new:
                self._came(workspace, content, _STOPPED)
        await asyncio.wait(waits.values())
        results[:] = [waits[content].result() for content in contents]

    def _came(self, workspace: int, content: Content, where: Secured | Problem) -> None:
        """A content lies somewhere, or cannot; only the first word counts."""
        known = self._under_way.get(content, {})
        future = known.get(workspace)
        if future is None or future.done():
            return
        future.set_result(where)
        if isinstance(where, Problem) or not self._claims.is_held(content.hash):
            del known[workspace]
            if not known:
                del self._under_way[content]

    async def _store(self, workspace: int, contents: Sequence[Content]) -> None:
        came = partial(self._came, workspace)
        try:
            bucket = self.buckets.of(workspace)
        except ProblemError as error:
            for content in contents:
                came(content, error.problem)
            return
        arrived = {one: self._arrived.get(one, {}).pop(workspace, None) for one in contents}
        whole = [content for content, one in arrived.items() if one is None]
        async with asyncio.TaskGroup() as tasks:
            if whole:
                tasks.create_task(self._storing.store(bucket, workspace, whole, came))
            for content, one in arrived.items():
                if one is not None:
                    tasks.create_task(self._finish(bucket, workspace, content, one))

    async def _finish(
        self, bucket: StoreBucket, workspace: int, content: Content, one: ArrivingObject
    ) -> None:
        """Secures what has gone on while it came."""
        came = partial(self._came, workspace)
        found = None if one.sending is None else await one.sending
        if found is not None:
            came(content, found)
            return
        is_there = False

        def told(content: Content, where: Secured | Problem) -> None:
            nonlocal is_there
            is_there = not isinstance(where, Problem)
            came(content, where)

        await self._storing.store(bucket, workspace, [content], told)
        if is_there:
            with suppress(ProblemError):  # it goes a week later
                await self._handover.needless(one.file.transfer, one.file.source)

    def _forward(self, bucket: StoreBucket, workspace: int, one: ArrivingObject) -> None:
        if self._tasks is not None:
            sending = self._sent(bucket, workspace, one)
            try:
                one.sending = self._tasks.create_task(sending)
            except RuntimeError:  # the group is ending
                sending.close()

    async def _sent(
        self, bucket: StoreBucket, workspace: int, one: ArrivingObject
    ) -> Secured | None:
        try:
            return await self._forwarding.send(bucket, workspace, one)
        except Exception as error:
            _log.error("a content that arrives was not sent on", exc_info=error)
            return None

    def _recall(self, workspace: int, file: Offer, found: SharedTransfer) -> None:
        async def brought() -> None:
            try:
                await self._recalls.bring(self.buckets.of(workspace), file, found)
            except ProblemError as error:
                _log.warning("what another server has of an upload cannot be had: %s", error)
            finally:
                self._recalls.end(file.transfer)

        if self._spawn(brought(), "an upload from another server") is None:
            self._recalls.end(file.transfer)

    def _seal(self, workspace: int, one: ArrivingObject) -> None:
        assert one.content is not None, "it is whole"
        self._arrived.setdefault(one.content, {})[workspace] = one
        one.more.set()

    def _released(self, contents: Sequence[Content]) -> None:
        """Nobody held these any more for a moment: what was known of them may not hold any more."""
        self._uses.released([one.hash for one in contents])
        for content in contents:
            self._arrived.pop(content, None)
            futures = self._under_way.pop(content, {})
            if running := {id: one for id, one in futures.items() if not one.done()}:
                self._under_way[content] = running

    def _open(self, bucket: StoreBucket) -> None:
        storage = self._storage
        self._spawn(bucket.open(storage.objects, storage.world), "opening a bucket")

    async def _fetch(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._queued.clear()
                while (batch := self._held.batch())[1]:
                    work = self._fetching.fetch(*batch)
                    tasks.create_task(contained(work, "reading from a bucket"))
                while ask := self._asks.next():
                    small = self._fetching.fetch_small(ask)
                    tasks.create_task(contained(small, "reading small files from a bucket"))
                await self._queued.wait()

    async def _look(self) -> None:
        """Asks buckets that did not answer; gives up what was not recorded, and what is stale."""
        storage, due = self._storage, self._periods.due
        while True:
            for bucket in self.buckets:
                if bucket.problem is not None:
                    await bucket.open(storage.objects, storage.world)
                else:
                    await bucket.find_checks(storage.world.token())
            await due("given up", MINUTE, MINUTE, self._give_up)
            # Not beside what may take days: other servers believe that this one is still there.
            await due("stale", MINUTE, HOUR, self._give_up_stale)
            await storage.pause(TURN)

    async def _give_up(self) -> None:
        await self._handover.ended(await self._upkeep.give_up())

    async def _give_up_stale(self) -> None:
        await self._upkeep.give_up_stale()
        await self._handover.end_old(self._storage.world.lived() - ORPHANED)

    async def _tidy(self) -> None:
        storage, due, upkeep = self._storage, self._periods.due, self._upkeep
        packs = self._repacking
        while True:
            await due("spool", DAY, DAY, self._tidy_spool)
            for bucket in self.buckets:
                if bucket.problem is None:
                    name = bucket.address
                    await due(("count", name), 0.0, 10 * MINUTE, partial(upkeep.count, bucket))
                    await due(("delete", name), MINUTE, HOUR, partial(upkeep.delete, bucket))
                    await due(("sparse", name), HOUR, HOUR, partial(packs.sparse, bucket))
                    await due(("small", name), HOUR, HOUR, partial(packs.small, bucket))
                    await due(("compare", name), HOUR, DAY, partial(upkeep.compare, bucket))
            await storage.pause(TURN)

    async def _tidy_spool(self) -> None:
        """What an earlier process left in the spool, and nobody has come for in a day, goes."""
        after, offload = "", self._storage.world.offload
        while found := (await offload(self.spool.blobs.inventory, after, PAGE)).hashes:
            await offload(self._claims.drop, found, self.spool.remove)
            after = found[-1]
