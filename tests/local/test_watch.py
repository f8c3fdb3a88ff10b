import ctypes
import errno
import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.local.watch import Watch, relative

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def hints() -> "queue.Queue[str]":
    return queue.Queue()


@pytest.fixture
def watch(top: Path, hints: "queue.Queue[str]") -> Iterator[Watch]:
    watching = Watch(str(top), hints.put)
    yield watching
    watching.stop()


def until(hints: "queue.Queue[str]", wanted: str) -> list[str]:
    """The hints up to the wanted one; that it comes at all is what is tested, not when."""
    found: list[str] = []
    while not found or found[-1] != wanted:
        found.append(hints.get(timeout=10))
    return found


def test_writing_is_hinted_and_reading_and_our_own_folder_are_not(
    watch: Watch, hints: "queue.Queue[str]", top: Path
) -> None:
    (top / "a").mkdir()
    (top / "a" / "old").write_text("old")
    (top / ".cargo_sync" / "staging").mkdir(parents=True)
    assert watch.start() is None
    assert (top / "a" / "old").read_text() == "old"
    (top / ".cargo_sync" / "staging" / "x").write_text("ours")
    (top / "a" / "é").write_text("new")
    assert set(until(hints, "a/é")) == {"a/é"}
    (top / "a" / "é").rename(top / "moved")
    until(hints, "moved")
    (top / "fresh" / "deep").mkdir(parents=True)
    (top / "fresh" / "deep" / "file").write_text("new")
    until(hints, "fresh/deep/file")
    (top / "moved").unlink()
    until(hints, "moved")


def test_a_missing_folder_cannot_be_watched(tmp_path: Path, hints: "queue.Queue[str]") -> None:
    problem = Watch(str(tmp_path / "nothing"), hints.put).start()
    assert problem is not None
    assert problem.code == "unwatched"


@linux
def test_dropped_events_mean_everything(watch: Watch, hints: "queue.Queue[str]", top: Path) -> None:
    from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, WatchDescriptor

    assert watch.start() is None
    overflow = InotifyEvent(WatchDescriptor(-1), InotifyConstants.IN_Q_OVERFLOW, 0, b"")
    watch._observer._reader.handle_event(overflow)  # type: ignore[union-attr]
    assert until(hints, "") == [""]
    (top / "file").write_text("still watched")
    until(hints, "file")


@linux
@pytest.mark.parametrize("below", [False, True])
def test_the_limit_of_watches_is_told(
    watch: Watch, top: Path, below: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchdog.observers import inotify_c

    (top / "below").mkdir()
    real = inotify_c.inotify_add_watch

    def add(fd: int, path: bytes, mask: int) -> int:
        if path.endswith(b"/below") or not below:
            ctypes.set_errno(errno.ENOSPC)
            return -1
        return real(fd, path, inotify_c.Mask(mask))

    monkeypatch.setattr(inotify_c, "inotify_add_watch", add)
    problem = watch.start()
    assert problem is not None
    assert problem.code == "watch_limit"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/root", ""),
        ("/root/a/b", "a/b"),
        ("/root/.cargo_sync", None),
        ("/root/.cargo_sync/staging/x", None),
        ("/root/a/.cargo_sync", "a/.cargo_sync"),
        ("/rooted/a", None),
        ("/root/a/bad\udcff", "a"),
        ("/root/bad\udcff/a", ""),
    ],
)
def test_hints_are_paths_below_the_root(path: str, hint: str | None) -> None:
    assert relative("/root", path) == hint
