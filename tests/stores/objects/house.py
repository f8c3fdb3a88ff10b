"""A store on a bucket in memory, for tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

from cargo_sync.config.bucket import BucketSettings
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.config.secret import Secret
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import CheckpointStore, MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import World
from cargo_sync.state.database import Database
from cargo_sync.state.object_contents import ObjectContents
from cargo_sync.state.object_uploads import ObjectUploads
from cargo_sync.state.objects import Objects
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.blobs import BlobFolder, for_blobs
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.contract import Content, Secured
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.handover import OtherServers
from cargo_sync.stores.objects.ports import BucketCalls
from cargo_sync.stores.objects.s3_bucket import S3Bucket, connect
from cargo_sync.stores.objects.store import ObjectStore
from cargo_sync.stores.small_contents import SmallContents
from cargo_sync.stores.spool import BlobSpool
from tests.local.systems import system
from tests.remotes.running import Running
from tests.stores.blobs import content_of
from tests.stores.nodes.house import in_thread
from tests.stores.objects.bucket import MemoryBucket

PATIENCE: Final = 60.0
"""Seconds of real time, for what a test waits for."""
ADDRESS: Final = "s3+https://store.example/bucket/cargo"
_numbers = count(1)
"""Ids are never the same, as those of starts of a server after each other."""


class ObjectHouse:
    """A store, its bucket and its rows. Pauses are short; time passes when a test says so."""

    def __init__(
        self,
        place: Path,
        last: ExitStack,
        bucket: BucketCalls,
        database: Database | None = None,
        kept: float = 0.0,
        servers: OtherServers | None = None,
        checkpoints: CheckpointStore | None = None,
    ) -> None:
        self.now = 1_000.0
        place.mkdir(exist_ok=True)
        self.database = database or last.enter_context(
            SqliteDatabase.open(str(place / "state.db"), "server")
        )
        self.calls = bucket
        self.objects = Objects(self.database, f"start {next(_numbers)}")
        self.contents = ObjectContents(self.database, self._clock)
        self.claims = Claims()
        blobs = BlobFolder.open(
            str(place / "spool"),
            "",
            lambda: "5" * 32,
            checkpoints or MemoryCheckpoints(),
            SpaceLedger(),
            MemoryAges(self._clock),
            holder="a test",
            durable=False,
            system=system("native"),
        )
        last.callback(blobs.close)
        self.spool = BlobSpool(blobs, self.claims, SmallContents())
        clock = self._clock
        token = lambda: f"{next(_numbers):032x}"  # noqa: E731
        world = World(clock, clock, lambda: 0.5, token, in_thread, clock)
        tables = self.objects, self.contents, ObjectUploads(self.database)
        self.world = world
        self.store = ObjectStore(self.spool, self.claims, tables, world, self._pause, kept, servers)
        self.bucket = self.store.buckets.use(StoreBucket(ADDRESS, bucket))
        for workspace in (1, 2):
            self.store.buckets.assign(workspace, ADDRESS)

    def _clock(self) -> float:
        return self.now

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))

    # -- what tests do -----------------------------------------------------------------------------

    def put(self, contents: Sequence[bytes]) -> list[Content]:
        """Contents come into the spool."""
        found = [content_of(one) for one in contents]
        offers = for_blobs(
            Offer(one.hash, one.size, 0, 0, 0, 0, one.hash[:32], hash=one.hash) for one in found
        )
        pairs = zip(offers, contents, strict=True)
        staged = [
            self.spool.write(offer.path, memoryview(one))
            or self.spool.staging.write(offer, memoryview(one))
            for offer, one in pairs
        ]
        assert self.spool.place(staged) == [None] * len(staged)
        return found

    def record(
        self, contents: Sequence[Content], results: Sequence[Secured | Problem], workspace: int = 1
    ) -> None:
        where = [one for one in results if isinstance(one, Secured)]
        assert len(where) == len(contents), results
        lists = {one.hash: to.pieces for one, to in zip(contents, where, strict=True) if to.pieces}
        hashes, sizes = zip(*contents, strict=True)
        places = [one.placement for one in where]
        self.contents.record(workspace, hashes, sizes, places, lists)

    async def upload(self, contents: Sequence[bytes], workspace: int = 1) -> list[Content]:
        """Contents are stored and recorded."""
        found = self.put(contents)
        try:
            self.record(found, await self.secured(found, workspace), workspace)
        finally:
            self.store.release(found)
        return found

    async def secured(
        self, contents: Sequence[Content], workspace: int = 1
    ) -> Sequence[Secured | Problem]:
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        self.store.secure(workspace, contents, answer.set_result)
        return await asyncio.wait_for(answer, PATIENCE)

    def read(self, content: Content, workspace: int = 1) -> bytes:
        """As a caller does who may block."""
        reader = self.store.open(workspace, content, None)
        try:
            buffer = bytearray(content.size)
            assert reader.read_into(memoryview(buffer), 0) == content.size
            return bytes(buffer)
        finally:
            reader.close()

    async def reads(self, contents: Sequence[Content], workspace: int = 1) -> list[bytes]:
        return [await asyncio.to_thread(self.read, one, workspace) for one in contents]

    def copies(self, content: Content) -> int:
        return int(any(self.contents.where(id, [content.hash]) for id in (1, 2)))

    def forget(self, contents: Sequence[Content], workspace: int = 1) -> None:
        hashes = [one.hash for one in contents]
        self.contents.condemn(workspace, hashes, self.now)
        self.store.forget(workspace, hashes)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def object_house(
    place: Path,
    bucket: BucketCalls | None = None,
    database: Database | None = None,
    kept: float = 0.0,
    servers: OtherServers | None = None,
    checkpoints: CheckpointStore | None = None,
) -> AsyncIterator[ObjectHouse]:
    """A house whose store works, and whose bucket is open."""
    with ExitStack() as last:
        house = ObjectHouse(
            place, last, bucket or MemoryBucket(), database, kept, servers, checkpoints
        )
        work = asyncio.ensure_future(house.store.run())
        try:
            await house.until(lambda: house.bucket.problem is None or work.done())
            yield house
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            await house.calls.aclose()


def bucket_on(far: Running) -> S3Bucket:
    """A new bucket on a real server, of which a folder is used."""
    address = RemoteAddress.parse(f"{far.place().url}/a/folder")
    settings = BucketSettings(address, far.login.user, Secret(far.login.password))
    world = World(time.time, time.monotonic, lambda: 0.0, lambda: "0" * 32, in_thread, time.time)
    return connect(settings, world)
