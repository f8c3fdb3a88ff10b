"""Hints of a watched tree, with each kind of watcher."""

import contextlib
import ctypes
import errno
import os
import queue
import select
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from watchdog.events import DirCreatedEvent, DirMovedEvent, FileCreatedEvent, FileSystemEvent

from cargo_sync.local import file_systems, inotify
from cargo_sync.local.inotify import Inotify
from cargo_sync.local.watch import Watch, _Observed, folder_of, native
from cargo_sync.local.watched import ChangedFolders, WatchedTree

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
Hints = queue.Queue[ChangedFolders]


@pytest.fixture
def hints() -> Hints:
    return queue.Queue()


@pytest.fixture(
    params=[pytest.param(True, marks=linux, id="native"), pytest.param(False, id="watchdog")]
)
def watch(request: pytest.FixtureRequest, top: Path, hints: Hints) -> Iterator[Watch]:
    watching = Watch(str(top), hints.put, Inotify() if request.param else None)
    yield watching
    watching.stop()


def until(hints: Hints, wanted: str) -> set[str]:
    """The folders in the hints up to the wanted one; the test is that it comes, not when."""
    found: set[str] = set()
    while wanted not in found:
        found |= set(hints.get(timeout=60) or ())
    return found


# watchdog itself warns when a new folder is reported twice; in tests all warnings are errors.
@pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning")
def test_writing_is_hinted_and_reading_and_our_own_folder_are_not(
    watch: Watch, hints: Hints, top: Path
) -> None:
    (top / "a").mkdir()
    (top / "b").mkdir()
    (top / "a" / "old").write_text("old")
    (top / ".cargo_sync" / "staging").mkdir(parents=True)
    assert watch.start() is None
    assert (top / "a" / "old").read_text() == "old"
    (top / ".cargo_sync" / "staging" / "x").write_text("ours")
    (top / "b" / "é").write_text("new")
    assert until(hints, "b") == {"b"}
    (top / "b" / "é").rename(top / "moved")
    until(hints, "")
    (top / "fresh" / "deep").mkdir(parents=True)
    (top / "fresh" / "deep" / "file").write_text("new")
    until(hints, "fresh/deep")
    (top / "fresh").rename(top / "elsewhere")
    (top / "elsewhere" / "deep" / "file").write_text("newer")
    until(hints, "elsewhere/deep")


@linux
def test_a_folder_that_is_taken_over_is_no_news_when_it_comes(top: Path, hints: Hints) -> None:
    staging = top / ".cargo_sync" / "staging"
    for name in ("whole", "torn"):
        (top / "above" / name).mkdir(parents=True)
        (staging / name).mkdir(parents=True)
        (staging / name / "file").touch()
    watching = Watch(str(top), hints.put, native())
    assert watching.start() is None
    assert not watching.take_over("unknown/whole", str(staging / "whole"))
    assert watching.take_over("above/whole", str(staging / "whole"))
    os.rename(staging / "whole", top / "above" / "whole")
    (top / "last").mkdir()
    found = until(hints, "last")
    assert "above" in found and "above/whole" not in found
    (top / "above" / "whole" / "file").write_text("other")
    until(hints, "above/whole")
    assert watching.take_over("above/torn", str(staging / "torn"))
    watching.not_taken("above/torn")
    (top / "above" / "torn" / "file").write_text("other")
    until(hints, "above/torn")
    watching.stop()


def test_a_missing_folder_cannot_be_watched(tmp_path: Path, hints: Hints) -> None:
    problem = Watch(str(tmp_path / "nothing"), hints.put, native()).start()
    assert problem is not None and problem.code == "unwatched"


@linux
def test_files_in_fresh_nested_folders_are_never_missed(top: Path, hints: Hints) -> None:
    watching = Watch(str(top), hints.put, Inotify())
    assert watching.start() is None
    wanted = {f"{number}/a/b" for number in range(50)}
    for folder in sorted(wanted):
        (top / folder).mkdir(parents=True)
        (top / folder / "file").write_text("x")
    found: set[str] = set()
    while not wanted <= found:
        found |= set(hints.get(timeout=60) or ())
    watching.stop()


@linux
def test_dropped_events_mean_everything_and_it_goes_on(top: Path, hints: Hints) -> None:
    (top / "below").mkdir()
    watching = Inotify()
    tree = watching.watch(str(top), hints.put)
    overflow = inotify._EVENT.pack(-1, inotify._OVERFLOW, 0, 0)
    assert watching._read(overflow) == {tree: None}
    (top / "below" / "file").write_text("still watched")
    until(hints, "below")
    watching.unwatch(tree)


@linux
@pytest.mark.parametrize("below", [False, True])
def test_the_limit_of_watches_is_told(
    top: Path, hints: Hints, below: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "below").mkdir()
    left = [2 if below else 1]

    def check(_: Inotify, result: int) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return result

    monkeypatch.setattr(Inotify, "_check", check)
    threads = threading.active_count()
    watching = Watch(str(top), hints.put, Inotify())
    problem = watching.start()
    assert problem is not None and problem.code == "watch_limit"
    assert (watching.watching, watching.complete) == (below, False)
    if below:
        (top / "file").touch()
        assert until(hints, "") == {""}, "what is watched is hinted"
    watching.stop()
    assert threading.active_count() == threads


@linux
def test_a_process_watches_so_many_folders_and_no_more(
    tmp_path: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inotify, "MOST", 3)
    shared = Inotify()
    trees = []
    for name in ("a", "b"):
        (tmp_path / name / "below").mkdir(parents=True)
        trees.append(Watch(str(tmp_path / name), hints.put, shared))
    assert trees[0].start() is None
    problem = trees[1].start()
    assert problem is not None and problem.code == "watch_limit"
    assert [one.complete for one in trees] == [True, False]
    (tmp_path / "a" / "new").mkdir()
    while hints.get(timeout=60) is not None:
        pass  # from now on, not each change in `a` is hinted
    assert not trees[0].complete
    trees[1].stop()
    trees[1] = Watch(str(tmp_path / "b"), hints.put, shared)
    trees[0].stop()
    assert trees[1].start() is None, "there is room again"
    trees[1].stop()


@linux
def test_only_file_systems_that_tell_each_change_are_believed(
    top: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = Watch(str(top), hints.put, Inotify())
    monkeypatch.setattr(file_systems, "_LOCAL", frozenset())
    assert watching.start() is None
    assert not watching.complete
    watching.stop()
    monkeypatch.undo()
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    in_memory = [place for place, kind in mounts if kind == "tmpfs"]
    assert all(map(file_systems.tells_all, in_memory))
    assert not file_systems.tells_all("/proc") and not file_systems.tells_all(str(top / "none"))


class Quiet(Inotify):
    """Reads its events only when it is told to."""

    def _run(self) -> None:
        return

    def read(self, upto: int = 2**16) -> dict[WatchedTree, ChangedFolders]:
        try:
            return self._read(os.read(self._fd, upto))
        except BlockingIOError:
            return {}


def folders(top: Path) -> list[str]:
    """All folders at and below `top`, but not our own."""
    return sorted(
        os.path.relpath(place, top) if place != str(top) else ""
        for place, *_ in os.walk(top)
        if ".cargo_sync" not in place
    )


def watched(tree: WatchedTree) -> list[str]:
    return sorted(one.path() for one in tree.top.all() if one.watch >= 0) if tree.top else []


class Person:
    """Makes, moves and deletes folders at and below `top`, also from and to another place."""

    def __init__(self, random: Random, top: Path, outside: Path) -> None:
        self._random = random
        self._top = top
        self._outside = outside
        self._kept = 0
        outside.mkdir()

    def act(self) -> None:
        place = self._top / self._random.choice(folders(self._top))
        name = self._random.choice(("a", "b", ".cargo_sync"))
        acts = [self._make, self._make_deep, self._move_in]
        if place != self._top:
            acts += [self._move, self._move_out, self._delete]
        with contextlib.suppress(OSError):  # something is there, or it is below itself
            self._random.choice(acts)(place, name)

    def _make(self, place: Path, name: str) -> None:
        (place / name).mkdir()

    def _make_deep(self, place: Path, name: str) -> None:
        (place / "a" / "b" / "a").mkdir(parents=True)

    def _move(self, place: Path, name: str) -> None:
        place.rename(self._top / self._random.choice(folders(self._top)) / name)

    def _move_out(self, place: Path, name: str) -> None:
        self._kept += 1
        place.rename(self._outside / f"{self._kept}")

    def _move_in(self, place: Path, name: str) -> None:
        if kept := sorted(os.listdir(self._outside)):
            (self._outside / self._random.choice(kept)).rename(place / name)

    def _delete(self, place: Path, name: str) -> None:
        shutil.rmtree(place)


@linux
@pytest.mark.parametrize("lost", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_to_folders_they_are_watched_where_they_are(
    tmp_path: Path, top: Path, seed: int, lost: float
) -> None:
    """Events are read late, or are lost."""
    random, watching = Random(seed), Quiet()
    tree = watching.watch(str(top), lambda folders: None)
    person = Person(random, top, tmp_path / "outside")
    for _ in range(60):
        person.act()
        if random.random() < 0.2:
            watching.read()
        if random.random() < lost:
            while _pending(watching._fd):
                os.read(watching._fd, 2**16)
            watching._read(inotify._EVENT.pack(-1, inotify._OVERFLOW, 0, 0))
    while watching.read():
        pass
    assert watched(tree) == folders(top)
    assert tree.complete
    assert watching._count == len(folders(top)) == len(watching._of)
    watching.unwatch(tree)
    assert (watching._count, len(watching._of)) == (0, 0)


@linux
def test_a_new_folder_is_told_with_no_name_if_it_was_made_and_nothing_is_in_it(
    tmp_path: Path, top: Path
) -> None:
    """A folder that came from elsewhere may have lost what it had."""
    (tmp_path / "moved").mkdir()
    watching = Quiet()
    tree = watching.watch(str(top), lambda folders: None)
    (top / "empty").mkdir()
    (top / "full" / "below").mkdir(parents=True)
    (tmp_path / "moved").rename(top / "moved")
    told = watching.read()[tree]
    names = frozenset({"empty", "full", "moved"})
    assert told == {"": names, "empty": frozenset(), "full": None, "full/below": frozenset()} | {
        "moved": None
    }
    (top / "empty" / "file").write_text("x")
    assert watching.read() == {tree: {"empty": frozenset({"file"})}}
    watching.unwatch(tree)


def _pending(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


@linux
def test_a_folder_that_could_not_be_read_is_watched_when_it_can_be(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "a").mkdir()
    watching = Quiet()
    took = watching._take

    def take(tree: WatchedTree, above: Any, path: str, place: str) -> Any:
        if path == "a":
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return took(tree, above, path, place)

    monkeypatch.setattr(watching, "_take", take)
    tree = watching.watch(str(top), lambda folders: None)
    assert (watched(tree), tree.complete) == ([""], True), "each scan reports it"
    monkeypatch.undo()
    (top / "a").chmod(0o755)
    (top / "a").chmod(0o700)
    assert watching.read() == {tree: {"": frozenset({"a"}), "a": None}}
    assert watched(tree) == ["", "a"]
    watching.unwatch(tree)


@linux
def test_what_the_kernel_refuses_to_watch_is_told(
    top: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        ctypes.set_errno(errno.ENOSPC)
        return -1

    shared = Inotify()
    monkeypatch.setattr(shared._libc, "inotify_add_watch", full)
    problem = Watch(str(top), hints.put, shared).start()
    assert problem is not None and problem.code == "watch_limit"


def test_only_linux_has_a_way_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (native() is not None) is (sys.platform == "linux")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert native() is None


@pytest.mark.parametrize(
    ("event", "folders"),
    [
        (FileCreatedEvent("/root/a/file"), {"a"}),
        (DirCreatedEvent("/root/a/new"), {"a", "a/new"}),
        (DirMovedEvent("/root/a/old", "/root/b/new"), {"a", "a/old", "b", "b/new"}),
    ],
    ids=["file", "folder", "moved folder"],
)
def test_a_folder_that_came_may_have_content(
    hints: Hints, event: FileSystemEvent, folders: set[str]
) -> None:
    _Observed("/root", hints.put).on_any_event(event)
    assert set(hints.get_nowait() or ()) == folders


@linux
def test_many_trees_cost_one_thread_and_are_told_apart(tmp_path: Path) -> None:
    threads = threading.active_count()
    shared = Inotify()
    heard: list[Hints] = [queue.Queue() for _ in range(200)]
    watches = []
    for number, hints in enumerate(heard):
        (tmp_path / f"{number}" / "sub").mkdir(parents=True)
        watches.append(Watch(str(tmp_path / f"{number}"), hints.put, shared))
        assert watches[-1].start() is None
    assert threading.active_count() == threads + 1
    (tmp_path / "7" / "sub" / "x").write_text("x")
    (tmp_path / "199" / "y").write_text("y")
    assert (until(heard[7], "sub"), until(heard[199], "")) == ({"sub"}, {""})
    watches[7].stop()
    while not heard[7].empty():
        heard[7].get()  # of the same write, in parts
    (tmp_path / "7" / "sub" / "x").write_text("xx")
    (tmp_path / "8" / "z").write_text("z")
    assert until(heard[8], "") == {""}
    assert [at for at, hints in enumerate(heard) if not hints.empty() and at not in (8, 199)] == []
    for watch in watches:
        watch.stop()
    assert threading.active_count() == threads
    # It can be used again.
    assert watches[3].start() is None
    (tmp_path / "3" / "x").write_text("x")
    until(heard[3], "")
    watches[3].stop()


@linux
def test_a_folder_that_two_trees_have_is_told_to_both(tmp_path: Path, hints: Hints) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    shared, other = Inotify(), Hints()
    outer, inner = (
        Watch(str(tmp_path / "a"), hints.put, shared),
        Watch(str(tmp_path / "a" / "b"), other.put, shared),
    )
    assert (outer.start(), inner.start()) == (None, None)
    (tmp_path / "a" / "b" / "x").write_text("x")
    assert (until(hints, "b"), until(other, "")) == ({"b"}, {""})
    inner.stop()
    while not hints.empty():
        hints.get()
    (tmp_path / "a" / "b" / "y").write_text("y")
    assert until(hints, "b") == {"b"}
    outer.stop()


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/root", None),
        ("/root/a", ""),
        ("/root/a/b", "a"),
        ("/root/.cargo_sync", None),
        ("/root/.cargo_sync/staging/x", None),
        ("/root/a/.cargo_sync/x", None),
        ("/root/a/.CARGO_sync/trash/x", None),
        ("/rooted/a", None),
        ("/root/a/bad\udcff/x", "a"),
        ("/root/bad\udcff/a", ""),
    ],
)
def test_events_belong_to_folders_below_the_root(path: str, folder: str | None) -> None:
    assert folder_of("/root", path) == folder


@linux
@pytest.mark.parametrize("how", ["moved", "deleted", "below"])
def test_a_root_that_is_gone_is_told(tmp_path: Path, hints: Hints, how: str) -> None:
    top = tmp_path / "top"
    (top / "below").mkdir(parents=True)
    watching = Watch(str(top), hints.put, Inotify())
    assert watching.start() is None
    try:
        assert not watching.ended
        if how == "moved":
            top.rename(tmp_path / "away")
        elif how == "deleted":
            (top / "below").rmdir()
            top.rmdir()
        else:
            (top / "below").rename(top / "other")
            assert until(hints, "") is not None
            assert not watching.ended, "only the root counts"
            return
        while hints.get(timeout=60) is not None:
            pass
        assert watching.ended
    finally:
        watching.stop()
