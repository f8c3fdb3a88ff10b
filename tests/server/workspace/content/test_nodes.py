"""A workspace on three nodes of which one goes away: nobody notices, nothing is left behind."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cargo_sync.lanes.end import OPEN_MAX
from cargo_sync.lanes.ports import Wake
from cargo_sync.model.displaced import TrashFilter
from cargo_sync.model.transfers import Offer, Unread
from cargo_sync.server.workspace.content.flows import source as source_module
from cargo_sync.server.workspace.content.workspace import ContentWorkspace
from cargo_sync.server.workspace.operations import Delete
from cargo_sync.stores.contract import Coming, Content
from tests.conformance.workspaces import RUN, Scene, content_workspace, in_a_thread, offer
from tests.server.house import NOW, Heard
from tests.server.surroundings import Clock
from tests.stores.nodes.house import House, house

DAY = 86_400.0


class Ground(Scene):
    """A workspace on the nodes of a house."""

    def content(self, path: str) -> Content:
        entry = self.entry(path)
        return Content(entry.hash, entry.size)

    def sweep(self) -> tuple[int, int]:
        assert isinstance(self.workspace, ContentWorkspace)
        condemned, forgotten = self.workspace.sweep()
        return condemned, forgotten


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[House]:
    with in_a_thread(house(tmp_path)) as one:
        yield one


@pytest.fixture
def ground(nodes: House) -> Ground:
    clock, heard = Clock(NOW), Heard()
    workspace = content_workspace("files", nodes.database, nodes.store, clock, heard)
    return Ground(workspace, nodes.database, clock, heard)


def test_what_one_node_has_the_others_have_too(nodes: House, ground: Ground) -> None:
    for name in "abcdef":
        ground.put(name, name.encode() * 100)
    before = ground.files()
    nodes.nodes["node0"].is_away = True
    assert ground.files() == before
    ground.put("new", b"while one is away")
    ground.upload("http", b"too")
    assert ground.read("new") == b"while one is away" and ground.read("http") == b"too"


def test_what_is_swept_goes_from_all_nodes(nodes: House, ground: Ground) -> None:
    ground.put("kept", b"kept")
    ground.put("lost", b"lost")
    kept, lost = ground.content("kept"), ground.content("lost")
    assert nodes.copies(lost) == 2
    ground.change(Delete("lost", ground.version("lost"), None))
    assert ground.sweep() == (0, 0)
    assert ground.workspace.restore([1], "", RUN) and ground.read("lost") == b"lost"
    ground.change(Delete("lost", ground.version("lost"), None))
    ground.workspace.free_all(TrashFilter())
    assert ground.sweep() == (1, 0)
    ground.clock.now += DAY
    for _ in range(6_000):  # what was just read may still be in use: the next sweep deletes it
        assert ground.sweep()[0] == 0
        if not nodes.copies(lost):
            break
        threading.Event().wait(0.01)
    assert nodes.copies(lost) == 0 and nodes.copies(kept) == 2
    assert ground.files() == {"kept": b"kept"}


def test_what_is_left_of_cancelled_batches_is_not_kept(
    nodes: House, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, begin = list[Coming](), nodes.store.coming

    def coming(workspace: int, contents: Sequence[Content], wake: Wake | None = None) -> Coming:
        begun.append(begin(workspace, contents, wake))
        return begun[-1]

    monkeypatch.setattr(nodes.store, "coming", coming)
    ground.put("some", b"content")
    now = ground.entry("some")
    source = ground.workspace.source()
    for _ in range(3 * OPEN_MAX):  # as many batches as a client asks for, and cancels
        source.coming([offer("some", b"content", version=now.version, ident=now.ident)])
    assert [one.is_over() for one in begun] == 2 * OPEN_MAX * [True] + OPEN_MAX * [False]
    source.close()
    assert all(one.is_over() for one in begun)


def test_a_batch_is_told_of_when_little_is_left_of_those_before_it(
    nodes: House, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, begin = list[Sequence[Content]](), nodes.store.coming

    def coming(workspace: int, contents: Sequence[Content], wake: Wake | None = None) -> Coming:
        told.append(contents)
        return begin(workspace, contents, wake)

    monkeypatch.setattr(nodes.store, "coming", coming)
    monkeypatch.setattr(source_module, "AHEAD_BYTES", 40)
    batches = list[list[Offer]]()
    for number in range(4):
        files = {f"{number}{place}": f"{number}{place}".encode() * 10 for place in "abc"}
        batches.append([])
        for name, content in files.items():
            ground.put(name, content)
            now = ground.entry(name)
            batches[-1].append(offer(name, content, version=now.version, ident=now.ident))
    source, woken = ground.workspace.source(), threading.Event()
    source.wakes(woken.set)
    for batch in batches:
        source.coming(batch)
    assert len(told) == 1, "60 bytes of the first are left"

    def read(some: Sequence[Offer]) -> None:
        views = [memoryview(bytearray(one.size)) for one in some]
        begun = 0
        while unread := source.read(some[begun:], views[begun:]):
            assert unread.problem is None
            begun += unread.number
            assert woken.wait(30)
            woken.clear()
        assert list(map(bytes, views)) == [one.path.encode() * 10 for one in some]

    read(batches[0][:2])
    assert len(told) == 2, "20 bytes of the first are left"
    read(batches[0][2:])
    read(batches[1][1:2])  # its others were cancelled
    read(batches[3])  # as all of the third batch
    assert [len(some) for some in told] == [3] * 4
    ground.put("3d", b"and now it changes")
    read(batches[3][2:])
    source.close()


class Awaited:
    """A file of which nothing has come."""

    is_open = True

    def read_into(self, view: memoryview, offset: int) -> None:
        return None

    def close(self) -> None:
        self.is_open = False


def test_a_file_that_was_cancelled_while_it_is_waited_for_is_closed(
    nodes: House, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, offers, source = list[Awaited](), list[Offer](), ground.workspace.source()
    for name in "abc":
        ground.put(name, name.encode())
        now = ground.entry(name)
        offers.append(offer(name, name.encode(), version=now.version, ident=now.ident))

    def open(*_: object) -> Awaited:
        opened.append(Awaited())
        return opened[-1]

    monkeypatch.setattr(nodes.store, "open", open)
    for one in (offers[0], *offers):
        assert source.read([one], [memoryview(bytearray(1))]) == Unread(0, None)
    assert [one.is_open for one in opened] == [False, False, True]
    source.close()
    assert not opened[-1].is_open
