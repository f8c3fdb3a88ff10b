import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.root import Root
from cargo_sync.local.trash import Freed, displace, numbered, purge, run_folder
from cargo_sync.model.problems import ProblemError
from tests.local.samples import RUN, everything, tree
from tests.local.systems import failing_in, system

DAY = 86_400.0


def test_runs_are_named_by_their_beginning_in_utc() -> None:
    assert run_folder(1767323045.9, "abc") == "20260102T030405Z-abc"


def test_files_links_and_folders_keep_their_paths(root: Root, top: Path) -> None:
    (top / "a" / "deep").mkdir(parents=True)
    (top / "a" / "file").write_text("file")
    (top / "a" / "link").symlink_to("/nowhere")
    (top / "b" / "below").mkdir(parents=True)
    (top / "b" / "below" / "file").write_text("below")
    displaced = [displace(root, path, RUN) for path in ("a/file", "a/link", "b")]
    trash = f".cargo_sync/trash/{RUN}"
    assert [one.place for one in displaced] == [
        f"{trash}/{path}" for path in ("a/file", "a/link", "b")
    ]
    # What may have a new name in it must be synced, also one that somebody else has made.
    above = (trash, ".cargo_sync/trash", ".cargo_sync", "")
    assert [one.touched for one in displaced] == [
        ("a", f"{trash}/a", *above),
        ("a", f"{trash}/a", *above),
        ("", *above),
    ]
    assert everything(top / f".cargo_sync/trash/{RUN}") == {
        "a/file": "file", "a/link": "-> /nowhere", "b/below/file": "below",
    }  # fmt: skip
    assert tree(top) == {}


def test_nothing_in_the_trash_is_replaced(root: Root, top: Path) -> None:
    places = []
    for content in ("one", "two", "three"):
        (top / "file").write_text(content)
        places.append(displace(root, "file", RUN).place)
    (top / "file").mkdir()
    (top / "file" / "below").write_text("below a folder of that name")
    places.append(displace(root, "file/below", RUN).place)
    (top / "file" / "below").write_text("again")
    places.append(displace(root, "file/below", RUN).place)
    places.append(displace(root, "file", RUN).place)
    prefix = f".cargo_sync/trash/{RUN}/"
    assert [place.removeprefix(prefix) for place in places] == [
        "file", "file.1", "file.2", "file.3/below", "file.3/below.1", "file.4",
    ]  # fmt: skip
    assert [(top / place).read_text() for place in places[:3]] == ["one", "two", "three"]


def test_a_name_of_full_length_is_cut_for_its_number() -> None:
    names = numbered("é" * 127)
    assert next(names) == "é" * 127
    second = next(names)
    assert second == "é" * 126 + ".1"
    assert len(second.encode()) <= 255


def test_what_is_not_there_cannot_be_displaced(root: Root) -> None:
    for path, code in (
        ("nothing", "vanished"),
        ("../x", "bad_path"),
        (".cargo_sync/trash", "reserved_name"),
    ):
        with pytest.raises(ProblemError) as error:
            displace(root, path, RUN)
        assert error.value.problem.code == code
    with pytest.raises(ProblemError) as error:
        displace(root, "nothing", "../escape")
    assert error.value.problem.code == "bad_path"


def test_a_displaced_folder_is_not_written_to_by_its_old_path(root: Root, top: Path) -> None:
    (top / "a" / "b").mkdir(parents=True)
    root.listing("a/b")
    displace(root, "a", RUN)
    root.make_folder("a/b/c")
    assert (top / "a" / "b" / "c").is_dir()
    assert os.listdir(top / ".cargo_sync/trash" / RUN / "a" / "b") == []


def test_only_old_runs_are_purged(root: Root, top: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("untouched")
    now = [0.0]
    ages = MemoryAges(lambda: now[0])
    (top / ".cargo_sync" / "trash" / "kept by hand").mkdir(parents=True)
    (top / ".cargo_sync" / "trash" / "20010101T000000Z-run").mkdir()
    for day in (1, 2, 3):
        folder = top / "folder"
        (folder / "below").mkdir(parents=True)
        (folder / "below" / "file").write_text("1234567")
        (folder / "link").symlink_to(tmp_path / "outside")
        (folder / "below").chmod(0o500)
        displace(root, "folder", run_folder(day * DAY, "run"))
        now[0] = 1000 + day
        assert purge(root, ages, keep=2.0) == Freed(
            *((2, 7 + len(str(tmp_path / "outside"))) if day == 3 else (0, 0))
        ), "a run begins to age when it is first seen, whatever its name says"
    assert sorted(os.listdir(top / ".cargo_sync" / "trash")) == [
        "19700103T000000Z-run",
        "19700104T000000Z-run",
        "kept by hand",
    ]
    assert everything(tmp_path / "outside") == {"file": "untouched"}


def test_a_root_without_trash_has_nothing_to_purge(root: Root, top: Path) -> None:
    assert purge(root, MemoryAges(lambda: 0.0), 0.0) == Freed(0, 0)
    assert os.listdir(top) == []


def test_a_deep_folder_is_purged(root: Root, top: Path) -> None:
    root.make_folder("/".join(["d"] * 100))
    displace(root, "d", run_folder(0, "run"))
    purge(root, MemoryAges(lambda: 0.0), 0.0)
    assert os.listdir(top / ".cargo_sync" / "trash") == []


def test_what_cannot_be_removed_does_not_keep_the_rest(top: Path, kind: str) -> None:
    root = Root.open(str(top), failing_in(kind, "unlink", errno.EIO, time=1))
    for name in ("a", "b", "c"):
        (top / "folder" / name).mkdir(parents=True)
        (top / "folder" / name / "file").write_text("1234567")
    displace(root, "folder", run_folder(0, "run"))
    assert purge(root, MemoryAges(lambda: 0.0), 0.0) == Freed(2, 14)
    assert purge(root, MemoryAges(lambda: 0.0), 0.0) == Freed(1, 7)
    assert os.listdir(top / ".cargo_sync" / "trash") == []
    root.close()


def test_a_folder_exchanged_for_a_link_while_it_is_purged_keeps_its_mode(
    top: Path, kind: str, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "file").write_text("untouched")
    purged = top / ".cargo_sync" / "trash" / run_folder(0, "run")

    def exchanged(call: str) -> None:
        if call == "open_up" and not purged.is_symlink():
            purged.rename(tmp_path / "moved")
            purged.symlink_to(outside)

    root = Root.open(str(top), system(kind, exchanged))
    (top / "file").write_text("displaced")
    displace(root, "file", run_folder(0, "run"))
    assert purge(root, MemoryAges(float), 0.0) == Freed(0, 0)
    assert outside.stat().st_mode & 0o777 == 0o755
    assert everything(outside) == {"file": "untouched"}
    assert everything(tmp_path / "moved") == {"file": "displaced"}
    root.close()


@pytest.mark.skipif(sys.platform != "linux", reason="O_PATH is Linux's")
def test_a_folder_that_its_owner_may_not_read_is_emptied(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the refusal is played."""
    root = Root.open(str(top), system("native"))
    (top / "shut").mkdir(mode=0)
    (top / "link").symlink_to("shut")
    really = os.open

    def refusing(path: str, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_PATH or (top / "shut").stat().st_mode & 0o400:
            return really(path, flags, *more, **named)
        raise PermissionError(errno.EACCES, "injected")

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(OSError):
        root.system.open_up(root.fd, "link")
    assert (top / "shut").stat().st_mode & 0o777 == 0
    root.system.open_up(root.fd, "shut")
    assert (top / "shut").stat().st_mode & 0o777 == 0o700
    root.close()
