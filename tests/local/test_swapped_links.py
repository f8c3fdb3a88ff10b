"""A folder that was in use is moved out of the root, and a link to it stands in its place.

The path still leads to the same folder. Each way that reads, writes or deletes notices the link.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.read import FolderSource, hash_file, open_file
from cargo_sync.local.root import Root
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.trash import displace
from cargo_sync.local.trash_upkeep import keep_up
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.trees.landing import Landing
from cargo_sync.trees.retiring import retire
from tests.local.samples import RUN, LooseJudge, everything, offer, present

FILE = "a/b/file"
OLD = "20010102T030405Z-old"


class Scene:
    """A root with `a/b/file`, and what was seen of it before the swap."""

    def __init__(self, root: Root, top: Path, outside: Path) -> None:
        self.root, self._top, self._outside = root, top, outside
        (top / "a" / "b").mkdir(parents=True)
        (top / FILE).write_text("content")
        self.seen = present(root, FILE)
        self.staging = Staging(root, MemoryCheckpoints(), SpaceLedger())

    def swap(self, path: str) -> None:
        (self._top / path).rename(self._outside)
        (self._top / path).symlink_to(self._outside)

    def outside(self) -> dict[str, str]:
        return everything(self._outside)


@pytest.fixture
def scene(root: Root, top: Path, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(root, top, tmp_path / "outside")
    yield made
    made.staging.close()


def _offer(entry: Entry) -> Offer:
    return Offer(
        FILE, entry.size, entry.mtime_ns, entry.mode, entry.version, entry.ident, "ab" * 16
    )


def _committed(scene: Scene, judge: LooseJudge | Landing, swap: bool) -> str:
    """Two files come in one batch; the folder is swapped before it or in the midst of it."""
    sink = FolderSink(scene.staging, judge, RUN)
    if not swap:
        scene.swap("a")
    wants = sink.begin(1, [offer(FILE, b"new"), offer("a/b/other", b"new")])
    for index, want in enumerate(wants):
        if want.code == "all":
            sink.whole(1, index, memoryview(b"new"))
    if swap:
        scene.swap("a")
    codes = {receipt.code for receipt in sink.commit(1)}
    assert len(codes) == 1
    return str(codes.pop())


WAYS: dict[str, Callable[[Scene], object]] = {
    "read": lambda scene: open_file(scene.root, FILE, scene.seen),
    "send": lambda scene: FolderSource(scene.root).open(_offer(scene.seen)),
    "send a small one": lambda scene: _unread(scene),
    "hash": lambda scene: hash_file(scene.root, FILE, scene.seen),
    "delete": lambda scene: displace(scene.root, FILE, RUN),
    "delete a folder": lambda scene: displace(scene.root, "a/b", RUN),
    "retire": lambda scene: _raised(
        retire(scene.root, FILE, scene.seen, blake3(b"content").hexdigest(), "", RUN)
    ),
    "make a folder": lambda scene: scene.root.make_folder("a/b/new"),
    "look": lambda scene: scene.root.entry(FILE),
    "list": lambda scene: scene.root.listing("a/b"),
}


def _unread(scene: Scene) -> None:
    offer = _offer(scene.seen)
    unread = FolderSource(scene.root).read([offer], [memoryview(bytearray(offer.size))])
    _raised(unread and unread.problem)


def _raised(problem: str | Problem | None) -> None:
    if isinstance(problem, Problem):
        raise ProblemError(problem)


@pytest.mark.parametrize("way", WAYS)
def test_a_link_above_is_noticed(scene: Scene, way: str) -> None:
    scene.swap("a")
    with pytest.raises(ProblemError) as error:
        WAYS[way](scene)
    assert error.value.problem.code == "symlink"
    assert scene.outside() == {"b/file": "content"}


def test_a_batch_that_begins_after_the_swap_writes_nothing(scene: Scene) -> None:
    assert _committed(scene, Landing(scene.root), swap=False) == "symlink"
    assert scene.outside() == {"b/file": "content"}


def test_a_batch_that_is_published_after_the_swap_writes_nothing(scene: Scene) -> None:
    expecting = LooseJudge({FILE: scene.seen})
    assert _committed(scene, expecting, swap=True) == "symlink"
    assert scene.outside() == {"b/file": "content"}


def test_the_trash_of_a_run_is_not_reached_through_a_link(scene: Scene, top: Path) -> None:
    displace(scene.root, FILE, OLD)
    (top / FILE).write_text("again")
    scene.swap(f".cargo_sync/trash/{OLD}")
    with pytest.raises(ProblemError):
        displace(scene.root, FILE, OLD)
    keep_up(scene.root, MemoryLedger(), TrashLimits(0))
    assert scene.outside() == {"a/b/file": "content"}
    assert (top / FILE).read_text() == "again"


@pytest.mark.parametrize("place", [".cargo_sync", ".cargo_sync/staging"])
def test_staging_that_was_moved_away_takes_nothing_more(scene: Scene, place: str) -> None:
    scene.staging.check()
    scene.swap(place)
    sink = FolderSink(scene.staging, LooseJudge(), RUN)
    with pytest.raises(ProblemError) as error:
        sink.begin(1, [offer("new", b"new")])
    assert error.value.problem.code == "symlink"
    with pytest.raises(ProblemError):
        scene.staging.part(offer("large", b"x" * 9))
    assert scene.outside() == {}


def test_staging_that_was_moved_away_is_made_again(scene: Scene, top: Path) -> None:
    scene.staging.check()
    (top / ".cargo_sync").rename(top / "moved")
    sink = FolderSink(scene.staging, LooseJudge(), RUN)
    sink.begin(1, [offer("new", b"new")])
    sink.whole(1, 0, memoryview(b"new"))
    assert os.listdir(top / "moved" / "staging") == []
    assert [receipt.code for receipt in sink.commit(1)] == ["done"]
    assert (top / "new").read_text() == "new"
