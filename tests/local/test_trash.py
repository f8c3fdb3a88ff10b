import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.local.root import Root
from cargo_sync.local.trash import displace, numbered, run_folder
from cargo_sync.model.problems import ProblemError
from tests.local.samples import RUN, everything, tree
from tests.local.systems import system


def test_runs_are_named_by_their_beginning_in_utc() -> None:
    assert run_folder(1767323045.9, "abc") == "20260102T030405Z-abc"
    assert run_folder(0.0, "20260102T030405Z-abc") == "20260102T030405Z-abc", "one name, once"


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
