"""What each store of contents keeps (stores/contract.py): a spool, nodes, and buckets.

Nodes are folders of this process (nodes), or are reached over their ports (links). Buckets are in
memory (bucket), or on real servers.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer
from cargo_sync.server.workspace.content.tree import ContentRows
from cargo_sync.state.blobs import Blobs
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.blobs import for_blobs
from cargo_sync.stores.contract import Content, ContentStore, Secured
from cargo_sync.stores.objects.ports import BucketCalls
from tests.conformance.workspaces import BUCKETS, in_a_thread, spooled
from tests.remotes.remotes import Remotes
from tests.remotes.running import Running
from tests.stores.blobs import LARGE, content_of
from tests.stores.nodes.house import House, house
from tests.stores.nodes.linked import linked_house
from tests.stores.objects.house import bucket_on, object_house

SOME = [b"one", b"another", b"a third"]
SECONDS = 60.0
"""Of real time, for what a test waits for."""
NOW = 1_000.0


@dataclass(frozen=True, slots=True)
class StoreScene:
    """A store, its rows, and how many copies there are of a content."""

    store: ContentStore
    blobs: ContentRows
    copies: Callable[[Content], int]

    def place(self, contents: Sequence[bytes]) -> list[Content]:
        found = [content_of(one) for one in contents]
        staging = self.store.spool.staging
        offers = for_blobs(
            Offer(one.hash, one.size, 0, 0, 0, 0, one.hash[:32], hash=one.hash) for one in found
        )
        pairs = zip(offers, contents, strict=True)
        staged = [staging.write(offer, memoryview(one)) for offer, one in pairs]
        assert self.store.spool.place(staged) == [None] * len(staged)
        return found

    def secured(self, workspace: int, contents: Sequence[Content]) -> list[Secured]:
        answers = queue.Queue[Sequence[Secured | Problem]]()
        self.store.secure(workspace, contents, answers.put)
        results = answers.get(timeout=SECONDS)
        found = [one for one in results if isinstance(one, Secured)]
        assert len(found) == len(contents)
        return found

    def record(self, workspace: int, contents: Sequence[Content], where: Sequence[Secured]) -> None:
        hashes, sizes = zip(*contents, strict=True)
        lists = {one.hash: to.pieces for one, to in zip(contents, where, strict=True) if to.pieces}
        self.blobs.record(workspace, hashes, sizes, [one.placement for one in where], lists)

    def upload(self, contents: Sequence[bytes], workspace: int = 1) -> list[Content]:
        found = self.place(contents)
        self.record(workspace, found, self.secured(workspace, found))
        self.store.release(found)
        return found

    def read(self, content: Content, workspace: int = 1) -> bytes:
        reader = self.store.open(workspace, content, None)
        try:
            buffer = bytearray(content.size)
            assert reader.read_into(memoryview(buffer), 0) == content.size
            assert reader.unchanged()
            return bytes(buffer)
        finally:
            reader.close()

    def forget(self, contents: Sequence[Content], workspace: int = 1) -> None:
        hashes = [one.hash for one in contents]
        self.blobs.condemn(workspace, hashes, NOW)
        self.store.forget(workspace, hashes)

    def until(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < until
            time.sleep(0.01)


def in_spool(place: Path, last: ExitStack) -> StoreScene:
    database = last.enter_context(SqliteDatabase.open(str(place / "state.db"), "server"))
    store = spooled(place / "spool", database, lambda: NOW, MemoryCheckpoints())
    last.callback(store.spool.blobs.close)
    return StoreScene(store, Blobs(database), lambda one: int(store.spool.holds([one])[0]))


def on_nodes(place: Path, last: ExitStack) -> StoreScene:
    return _scene(last.enter_context(in_a_thread(house(place))))


def over_links(place: Path, last: ExitStack) -> StoreScene:
    return _scene(last.enter_context(in_a_thread(linked_house(place))))


def _scene(one: House) -> StoreScene:
    return StoreScene(one.store, one.blobs, one.copies)


def in_bucket(place: Path, last: ExitStack, bucket: BucketCalls | None = None) -> StoreScene:
    one = last.enter_context(in_a_thread(object_house(place, bucket)))
    return StoreScene(one.store, one.contents, one.copies)


def on_a_server(far: Running, place: Path, last: ExitStack) -> StoreScene:
    return in_bucket(place, last, bucket_on(far))


BUILDS = {"spool": in_spool, "nodes": on_nodes, "links": over_links, "bucket": in_bucket}


@pytest.fixture(params=[*BUILDS, *BUCKETS])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreScene]:
    with ExitStack() as last:
        if request.param in BUILDS:
            yield BUILDS[request.param](tmp_path, last)
        else:
            remotes: Remotes = request.getfixturevalue("remotes")
            yield on_a_server(remotes.get(request.param), tmp_path, last)


def test_what_is_recorded_can_be_read(scene: StoreScene) -> None:
    contents = scene.upload([*SOME, LARGE])
    assert [scene.read(one) for one in contents] == [*SOME, LARGE]
    assert scene.store.refusal(1) is None
    assert scene.store.room(1) != 0


def test_securing_may_be_repeated(scene: StoreScene) -> None:
    contents = scene.upload(SOME)
    before = [scene.copies(one) for one in contents]
    again = scene.upload([*SOME, LARGE])
    assert again[:3] == contents
    assert [scene.copies(one) for one in contents] == before
    assert [scene.read(one) for one in again] == [*SOME, LARGE]


def test_what_a_workspace_forgets_is_deleted(scene: StoreScene) -> None:
    contents = scene.upload([*SOME, LARGE])
    scene.forget(contents[1:])
    scene.until(lambda: not any(scene.copies(one) for one in contents[1:]))
    assert scene.read(contents[0]) == SOME[0]
    scene.store.forget(1, [contents[0].hash])  # it is not condemned
    assert scene.read(contents[0]) == SOME[0]


def test_what_another_workspace_has_stays(scene: StoreScene) -> None:
    contents = scene.upload(SOME)
    scene.upload(SOME[:1], workspace=2)
    scene.forget(contents)
    scene.until(lambda: not any(scene.copies(one) for one in contents[1:]))
    assert scene.read(contents[0], workspace=2) == SOME[0]


def test_what_is_in_use_is_not_deleted(scene: StoreScene) -> None:
    contents = scene.upload(SOME)
    held = scene.place(SOME[:1])
    scene.forget(contents)
    scene.until(lambda: not any(scene.copies(one) for one in contents[1:]))
    where = scene.secured(1, held)
    scene.record(1, held, where)
    scene.store.release(held)
    assert scene.read(held[0]) == SOME[0]


def test_what_was_deleted_comes_again(scene: StoreScene) -> None:
    contents = scene.upload(SOME)
    scene.forget(contents)
    assert scene.upload(SOME) == contents
    assert [scene.read(one) for one in contents] == SOME


def test_a_lane_gets_it_now_or_is_woken(scene: StoreScene) -> None:
    contents = scene.upload([*SOME, LARGE])
    woken = threading.Event()
    coming = scene.store.coming(1, contents, woken.set)
    for content, expected in zip(contents, [*SOME, LARGE], strict=True):
        view = memoryview(bytearray(content.size))
        while (found := coming.read([content], [view])) == (0, True):
            assert woken.wait(SECONDS)
            woken.clear()
        if not found[0]:
            reader = scene.store.open(1, content, woken.set)
            while reader.read_into(view, 0) is None:
                assert woken.wait(SECONDS)
                woken.clear()
            reader.close()
        assert view == expected
    coming.close()


def test_what_nobody_records_may_be_given_up(scene: StoreScene) -> None:
    held = scene.place(SOME)
    scene.secured(1, held)
    scene.store.release(held)
    contents = scene.upload(SOME)
    assert [scene.read(one) for one in contents] == SOME
