"""Hints of a watched tree, by each way there is to watch one."""

import errno
import os
import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.local import inotify
from cargo_sync.local.inotify import Folders, Inotify
from cargo_sync.local.watch import Watch, folder_of

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
Hints = queue.Queue[Folders]


@pytest.fixture
def hints() -> Hints:
    return queue.Queue()


@pytest.fixture(params=[pytest.param(True, marks=linux, id="native"), pytest.param(False, id="watchdog")])
def watch(request: pytest.FixtureRequest, top: Path, hints: Hints) -> Iterator[Watch]:
    watching = Watch(str(top), hints.put, native=request.param)
    yield watching
    watching.stop()


def until(hints: Hints, wanted: str) -> set[str]:
    """The folders hinted at up to the wanted one; that it comes at all is what is tested, not when."""
    found: set[str] = set()
    while wanted not in found:
        found |= hints.get(timeout=10) or set()
    return found


# watchdog warns of its own when a fresh folder is told twice; here every warning is an error.
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


def test_a_missing_folder_cannot_be_watched(tmp_path: Path, hints: Hints) -> None:
    problem = Watch(str(tmp_path / "nothing"), hints.put).start()
    assert problem is not None and problem.code == "unwatched"


@linux
def test_files_in_fresh_nested_folders_are_never_missed(top: Path, hints: Hints) -> None:
    watching = Watch(str(top), hints.put)
    assert watching.start() is None
    wanted = {f"{number}/a/b" for number in range(50)}
    for folder in sorted(wanted):
        (top / folder).mkdir(parents=True)
        (top / folder / "file").write_text("x")
    found: set[str] = set()
    while not wanted <= found:
        found |= hints.get(timeout=10) or set()
    watching.stop()


@linux
def test_dropped_events_mean_everything_and_it_goes_on(top: Path, hints: Hints) -> None:
    (top / "below").mkdir()
    watching = Inotify(str(top), hints.put)
    watching.start()
    overflow = inotify._EVENT.pack(-1, inotify._OVERFLOW, 0, 0)
    assert watching._read(overflow) is None
    (top / "below" / "file").write_text("still watched")
    until(hints, "below")
    watching.stop()


@linux
@pytest.mark.parametrize("below", [False, True])
def test_the_limit_of_watches_is_told(
    top: Path, hints: Hints, below: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "below").mkdir()
    left = [1 if below else 0]

    def check(watching: Inotify, result: int) -> int:
        if watching._folder_of or not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return result

    watching = Watch(str(top), hints.put)
    made = Inotify(str(top), hints.put)
    monkeypatch.setattr(Inotify, "_check", check)
    monkeypatch.setattr("cargo_sync.local.watch.Inotify", lambda path, on_change: made)
    problem = watching.start()
    assert problem is not None and problem.code == "watch_limit"


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/root", None),
        ("/root/a", ""),
        ("/root/a/b", "a"),
        ("/root/.cargo_sync", None),
        ("/root/.cargo_sync/staging/x", None),
        ("/root/a/.cargo_sync/x", "a/.cargo_sync"),
        ("/rooted/a", None),
        ("/root/a/bad\udcff/x", "a"),
        ("/root/bad\udcff/a", ""),
    ],
)
def test_events_belong_to_folders_below_the_root(path: str, folder: str | None) -> None:
    assert folder_of("/root", path) == folder
