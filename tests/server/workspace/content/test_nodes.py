"""A workspace on three nodes of which one goes away: nobody notices, nothing is left behind."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.model.displaced import TrashFilter
from cargo_sync.server.workspace.content.workspace import ContentWorkspace
from cargo_sync.server.workspace.operations import Delete
from cargo_sync.stores.contract import Content
from tests.conformance.workspaces import RUN, Scene, content_workspace, nodes_in_a_thread
from tests.server.house import NOW, Heard
from tests.server.surroundings import Clock
from tests.stores.nodes.house import House

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
    with nodes_in_a_thread(tmp_path) as one:
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
