"""Both builds of a workspace, and one scene for tests of what they have in common."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.lanes.ports import Sink
from cargo_sync.lanes.waiting import commit
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import CheckpointStore, MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.displaced import TrashFilter, TrashRow
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.model.world import World
from cargo_sync.server.workspace.content.tree import ContentState, ContentTree
from cargo_sync.server.workspace.content.workspace import ContentWorkspace
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.operations import Done, Operation
from cargo_sync.server.workspace.rows.tree import Changed
from cargo_sync.state.blob_owners import BlobOwners
from cargo_sync.state.blobs import Blobs
from cargo_sync.state.database import Database, Fault
from cargo_sync.state.displaced import DisplacedRows
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.manifests import Manifests
from cargo_sync.state.object_contents import ObjectContents
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import ContentStore
from cargo_sync.stores.objects.ports import BucketCalls
from cargo_sync.stores.spool import BlobSpool, HoldCounts
from cargo_sync.stores.spooled import SpooledStore
from tests.offloads import inline
from tests.remotes.servers import wanted
from tests.server.house import NOW, Heard, tokens, tracked
from tests.server.surroundings import Clock
from tests.stores.nodes.house import PATIENCE_SECONDS, house
from tests.stores.objects.house import object_house

H = TypeVar("H")
RUN = "20260102T030405Z-run"
MTIME = 1_600_000_000_000_000_000
ANA, BEN = ChangeCause("ana"), ChangeCause("ben")


@dataclass(slots=True)
class Scene:
    """A workspace, and what people do with it."""

    workspace: Workspace
    database: Database
    clock: Clock
    heard: Heard = field(default_factory=Heard)

    def there(self) -> str:
        """`path:kind,version` of everything that is there, by path."""
        rows = self.workspace.changes(0, "", 10_000).rows
        found = sorted((path, entry) for path, entry in rows if entry is not None)
        return " ".join(f"{path}:{entry.kind}{entry.version}" for path, entry in found)

    def entry(self, path: str) -> Entry:
        found = self.workspace.entry(path)
        assert found is not None
        return found

    def version(self, path: str) -> int:
        """That of what is at a path; 0 for nothing."""
        [held] = self.workspace.entries([path])
        return held.entry.version if held is not None else 0

    def read(self, path: str) -> bytes:
        """The content of a file, as HTTP reads it."""
        _, reader = self.workspace.open(path)
        assert reader is not None
        with closing(reader):
            content = bytearray(self.entry(path).size + 1)
            got = reader.read_into(memoryview(content), 0)
            assert reader.unchanged()
        return bytes(content[:got])

    def files(self) -> dict[str, bytes]:
        """The contents of all files, by path."""
        rows = self.workspace.changes(0, "", 10_000).rows
        some = sorted(path for path, entry in rows if entry is not None and entry.kind == FILE)
        return {path: self.read(path) for path in some}

    def change(self, *operations: Operation, cause: ChangeCause = BEN) -> list[str | Done]:
        """Done, or the problem's code, of each."""
        results = self.workspace.change(operations, RUN, cause=cause)
        return [str(one.code) if isinstance(one, Problem) else one for one in results]

    def bring(
        self, *files: tuple[Offer, bytes], sink: Sink | None = None
    ) -> tuple[list[Want], list[Receipt]]:
        """One batch, as a flow brings it."""
        sink = sink or self.workspace.sink(RUN, cause=ANA)
        wants = sink.begin(1, [offer for offer, _ in files])
        for index, (offer, content) in enumerate(files):
            if wants[index].code == "all" and not offer.target:
                sink.whole(1, index, memoryview(content))
        return wants, commit(sink, 1)

    def put(self, path: str, content: bytes = b"x") -> int:
        """A file that replaces what is there; returns its version."""
        _, [receipt] = self.bring((offer(path, content, self.version(path)), content))
        assert receipt.code == "done", receipt
        return receipt.version

    def upload(self, path: str, content: bytes, transfer: str = "") -> Catalogued:
        """A file that comes over plain HTTP."""
        upload = self.workspace.stage(
            path, len(content), MTIME, lambda held: None, "http", ANA, transfer
        )
        try:
            upload.write(content)
            return upload.publish()[0]
        finally:
            upload.drop()

    def kept(self) -> list[TrashRow]:
        """What is in the trash, the oldest first."""
        return self.workspace.trash(TrashFilter(), None, 100).rows[::-1]


def offer(path: str, content: bytes = b"", expected: int = 0, **rest: object) -> Offer:
    made = Offer(path, len(content), MTIME, 0o640, 1, 1, "ab" * 16, expected)
    return made._replace(**rest)  # type: ignore[arg-type]


def world_of(clock: Clock) -> World:
    return World(clock, clock, lambda: 0.5, tokens(), inline, clock)


def folder_scene(place: Path, last: ExitStack) -> Scene:
    database = last.enter_context(SqliteDatabase.open(str(place / "state.db"), "server"))
    clock, heard = Clock(NOW), Heard()
    folder = tracked(place / "files", database, clock, heard)
    workspace = FolderWorkspace(folder, tokens())
    last.callback(workspace.close)
    return Scene(workspace, database, clock, heard)


def content_scene(place: Path, last: ExitStack, fault: Fault | None = None) -> Scene:
    """Over a store that keeps everything in its spool."""
    database = last.enter_context(SqliteDatabase.open(str(place / "state.db"), "server", fault))
    clock, heard = Clock(NOW), Heard()
    store = spooled(place / "spool", database, clock, MemoryCheckpoints())
    last.callback(store.spool.blobs.close)
    return Scene(content_workspace("files", database, store, clock, heard), database, clock, heard)


def spooled(
    place: Path, database: Database, clock: Callable[[], float], checkpoints: CheckpointStore
) -> SpooledStore:
    blobs = BlobFolder.open(
        str(place), "", tokens(), checkpoints, SpaceLedger(), MemoryAges(clock), holder="a test"
    )
    holds = HoldCounts()
    rows, owners = Blobs(database), BlobOwners(database)
    return SpooledStore(BlobSpool(blobs, holds), holds, rows, owners, clock)


def content_workspace(
    path: str,
    database: Database,
    store: ContentStore,
    clock: Clock,
    heard: Changed,
    objects: ObjectContents | None = None,
) -> ContentWorkspace:
    """Over a store; `objects` are the rows of its contents if they lie in buckets."""
    state = ContentState(
        StoredCatalogue(database, HistoryRows(database, clock, clock)),
        partial(DisplacedRows, database, wall=clock, lived=clock),
        partial(Manifests, database),
        objects or Blobs(database),
        database,
    )
    world = world_of(clock)
    for _ in path:  # no other workspace has the same epoch
        world.token()
    tree = ContentTree(path, state, store, world, heard, lambda told: None)
    workspace = ContentWorkspace(tree, objects or BlobOwners(database))
    workspace.attach()
    return workspace


def nodes_scene(place: Path, last: ExitStack) -> Scene:
    """Over three nodes in this process, with two copies of each content."""
    nodes = last.enter_context(in_a_thread(house(place)))
    clock, heard = Clock(NOW), Heard()
    workspace = content_workspace("files", nodes.database, nodes.store, clock, heard)
    return Scene(workspace, nodes.database, clock, heard)


def bucket_scene(place: Path, last: ExitStack, bucket: BucketCalls | None = None) -> Scene:
    """Over a bucket, by itself one in memory."""
    one = last.enter_context(in_a_thread(object_house(place, bucket)))
    clock, heard = Clock(NOW), Heard()
    workspace = content_workspace("files", one.database, one.store, clock, heard, one.contents)
    one.store.buckets.assign(workspace.id, one.bucket.address)
    return Scene(workspace, one.database, clock, heard)


@contextmanager
def in_a_thread(scene: AbstractAsyncContextManager[H]) -> Iterator[H]:
    """A store that works in an event loop of its own, as in a server."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        found = asyncio.run_coroutine_threadsafe(scene.__aenter__(), loop).result(PATIENCE_SECONDS)
        try:
            yield found
        finally:
            end = scene.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(end, loop).result(PATIENCE_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


BUILDS = {
    "folder": folder_scene,
    "content": content_scene,
    "nodes": nodes_scene,
    "bucket": bucket_scene,
}
BUCKETS = [
    pytest.param(name, marks=pytest.mark.remotes) for name in wanted("rclone-s3", "swift", "ceph")
]
"""Real servers in whose buckets contents may lie; Ceph in `make remotes` alone."""
