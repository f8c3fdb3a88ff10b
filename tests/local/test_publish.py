import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local import publish as publishing
from cargo_sync.local.parts import MemoryCheckpoints, Staged
from cargo_sync.local.publish import MANY
from cargo_sync.local.root import Root
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import System
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import ProblemError
from tests.local.placements import Placed, Placement, place, publish
from tests.local.samples import MTIME, RUN, everything, offer, present, tree
from tests.local.systems import failing_in, recording

TRASH = f".cargo_sync/trash/{RUN}"


@pytest.fixture
def staging(root: Root) -> Iterator[Staging]:
    opened = Staging(root, MemoryCheckpoints(), SpaceLedger())
    yield opened
    opened.close()


def stage(staging: Staging, path: str, content: bytes = b"new") -> Staged:
    return staging.write(offer(path, content), memoryview(content))


def one(
    staging: Staging, path: str, expected: Entry | None = None, content: bytes = b"new"
) -> Placed:
    (result,) = publish(staging, [Placement(stage(staging, path, content), expected)], RUN)
    return result


def left(top: Path) -> list[str]:
    return os.listdir(top / ".cargo_sync" / "staging")


def test_new_files_and_their_folders(staging: Staging, top: Path) -> None:
    placements = [
        Placement(stage(staging, path, path.encode())) for path in ("a/b/c", "a/b/d", "e")
    ]
    placements.append(Placement(staging.link(offer("a/link", target="../../away"))))
    results = publish(staging, placements, RUN)
    assert [result.problem for result in results] == [None] * 4
    assert tree(top) == {"a/b/c": "a/b/c", "a/b/d": "a/b/d", "e": "e", "a/link": "-> ../../away"}
    first = results[0].entry
    found = (top / "a/b/c").stat()
    assert first == (
        "c",
        "f",
        5,
        MTIME,
        0o640,
        found.st_ctime_ns,
        found.st_ino,
        blake3(b"a/b/c").hexdigest(),
        "",
    )
    assert left(top) == []


def test_what_stood_there_lies_in_the_trash(staging: Staging, root: Root, top: Path) -> None:
    (top / "a").mkdir()
    (top / "a" / "file").write_text("old")
    result = one(staging, "a/file", present(root, "a/file"))
    assert (result.problem, result.displaced, result.drifted) == (None, f"{TRASH}/a/file", False)
    assert everything(top) == {"a/file": "new", f"{TRASH}/a/file": "old"}
    result = one(staging, "a/file", present(root, "a/file"), b"newer")
    assert result.displaced == f"{TRASH}/a/file.1"
    assert everything(top) == {
        "a/file": "newer",
        f"{TRASH}/a/file": "old",
        f"{TRASH}/a/file.1": "new",
    }


def test_a_folder_and_a_link_are_displaced_too(
    staging: Staging, root: Root, top: Path, tmp_path: Path
) -> None:
    (top / "folder" / "below").mkdir(parents=True)
    (top / "folder" / "below" / "file").write_text("kept")
    (tmp_path / "outside").write_text("untouched")
    (top / "link").symlink_to(tmp_path / "outside")
    for path in ("folder", "link"):
        assert one(staging, path, present(root, path)).problem is None
    assert everything(top) == {
        "folder": "new",
        "link": "new",
        f"{TRASH}/folder/below/file": "kept",
        f"{TRASH}/link": f"-> {tmp_path / 'outside'}",
    }
    assert (tmp_path / "outside").read_text() == "untouched"


def test_something_that_appeared_is_left_alone(staging: Staging, top: Path) -> None:
    (top / "file").write_text("a user's")
    result = one(staging, "file")
    assert result.problem is not None
    assert (result.problem.code, result.problem.path) == ("occupied", "file")
    assert everything(top) == {"file": "a user's"}


@pytest.mark.parametrize("drift", ["written", "removed", "replaced", "special"])
def test_something_that_is_not_what_the_plan_saw_is_left_alone(
    staging: Staging, root: Root, top: Path, drift: str
) -> None:
    file = top / "file"
    file.write_text("old")
    expected = present(root, "file")
    if drift == "written":
        file.write_text("changed")
    else:
        file.unlink()
    if drift == "replaced":
        file.mkdir()
    elif drift == "special":
        os.mkfifo(file)
    before = None if drift == "special" else tree(top)
    result = one(staging, "file", expected)
    assert result.problem is not None
    assert result.problem.code == ("special" if drift == "special" else "changed")
    assert result.problem.retry
    if before is not None:
        assert everything(top) == before
    assert left(top) == []


def test_what_changes_in_the_last_moment_is_in_the_trash_and_told(
    staging: Staging, root: Root, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "file").write_text("old")
    expected = present(root, "file")
    real = root.system.swap_in

    def swap_in(*arguments: object) -> None:
        (top / "file").write_text("written between the look and the exchange")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(root.system, "swap_in", swap_in)
    result = one(staging, "file", expected)
    assert (result.problem, result.drifted) == (None, True)
    assert everything(top) == {
        "file": "new",
        f"{TRASH}/file": "written between the look and the exchange",
    }


def test_a_target_below_a_link_or_a_file_is_refused(
    staging: Staging, top: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (top / "way").symlink_to(tmp_path / "outside")
    (top / "file").write_text("file")
    results = publish(
        staging, [Placement(stage(staging, path)) for path in ("way/x", "file/x", "good")], RUN
    )
    assert [result.problem and result.problem.code for result in results] == [
        "symlink",
        "not_a_folder",
        None,
    ]
    assert os.listdir(tmp_path / "outside") == []
    assert left(top) == []


@pytest.mark.parametrize("count", [1, MANY])
def test_contents_are_synced_then_named_then_the_names_are_synced(
    top: Path, kind: str, count: int
) -> None:
    on, calls = recording(kind)
    root = Root.open(str(top), on)
    staging = Staging(root, MemoryCheckpoints(), SpaceLedger())
    staged = [stage(staging, f"file{number}") for number in range(count)]
    del calls[:]
    publish(staging, [Placement(one) for one in staged], RUN)
    steps = [name for name in calls if name not in ("link", "unlink", "rename")]
    if kind == "native" and count >= MANY:
        assert steps == ["syncfs", *["rename_noreplace"] * count, "syncfs"]
    else:  # each file; then both folders
        assert steps == [*["fsync"] * count, *["rename_noreplace"] * count, "fsync", "fsync"]


def test_when_the_file_system_cannot_be_synced_nothing_of_the_batch_is_published(top: Path) -> None:
    on = failing_in("native", "syncfs", errno.EIO)
    if not on.whole_sync:
        pytest.skip("no syncfs here")
    staging = Staging(Root.open(str(top), on), MemoryCheckpoints(), SpaceLedger())
    staged = [stage(staging, f"file{number}") for number in range(MANY)]
    results = publish(staging, [Placement(one) for one in staged], RUN)
    for number, result in enumerate(results):
        assert result.problem is not None
        assert (result.problem.code, result.problem.path, result.problem.retry) == (
            "disk_error",
            f"file{number}",
            True,
        )
    assert everything(top) == {}


def test_one_file_that_cannot_be_synced_fails_alone(top: Path, kind: str) -> None:
    on = failing_in(kind, "fsync", errno.EIO, time=2)
    staging = Staging(Root.open(str(top), on), MemoryCheckpoints(), SpaceLedger())
    staged = [stage(staging, path) for path in ("a", "b")]
    staged.append(staging.link(offer("l", target="t")))
    results = publish(staging, [Placement(one) for one in staged], RUN)
    assert [result.problem and result.problem.code for result in results] == [
        None,
        "disk_error",
        None,
    ]
    assert everything(top) == {"a": "new", "l": "-> t"}


def test_a_file_that_changed_right_after_is_not_reported_as_done(
    staging: Staging, root: Root, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = root.sync

    def sync(folders: set[str], *, whole: bool = False) -> None:
        real(folders, whole=whole)
        (top / "file").write_text("somebody was quick")

    monkeypatch.setattr(root, "sync", sync)
    result = one(staging, "file")
    assert result.problem is not None
    assert result.problem.code == "changed"
    assert result.entry is None


def test_when_the_names_cannot_be_synced_it_is_not_reported_as_done(
    staging: Staging, root: Root, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = stage(staging, "file")
    assert publishing.secure(staging, [staged]) == [None]
    on = failing_in("portable", "fsync", errno.EIO)
    monkeypatch.setattr(root, "system", on)
    (result,) = place(staging, [Placement(staged)], RUN)
    assert result.problem is not None
    assert result.problem.code == "disk_error"


def test_a_file_its_owner_may_not_read(top: Path, on: System) -> None:
    staging = Staging(Root.open(str(top), on), MemoryCheckpoints(), SpaceLedger())
    content = b"write only"
    staged = staging.write(offer("file", content, mode=0o200), memoryview(content))
    (result,) = publish(staging, [Placement(staged)], RUN)
    assert result.problem is None
    assert result.entry is not None
    assert result.entry.mode == 0o200


def test_looking_after_what_was_published_makes_no_folder(staging: Staging, top: Path) -> None:
    placing = publishing.Placing(staging, RUN)
    with pytest.raises(ProblemError) as error:
        placing._in("gone", make=False)
    assert error.value.problem.code == "vanished"
    assert os.listdir(top) == []


def test_publishing_leaves_nothing_open(top: Path, on: System) -> None:
    before = set(os.listdir("/dev/fd"))
    root = Root.open(str(top), on)
    staging = Staging(root, MemoryCheckpoints(), SpaceLedger())
    placements = [Placement(stage(staging, path)) for path in ("e", "a/d", "a/b/c")]
    assert [result.problem for result in publish(staging, placements, RUN)] == [None] * 3
    staging.close()
    root.close()
    assert set(os.listdir("/dev/fd")) <= before
