"""Many new folders: each is at its path, and few calls are made for it."""

import os
from pathlib import Path

import pytest

from cargo_sync.local import new_folders
from cargo_sync.local.new_folders import NewFolders
from cargo_sync.local.root import Root
from cargo_sync.local.system import System
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, ProblemError
from tests.local.systems import recording

MANY = ["a", "a/b", "a/b/c", "a/b/d", "a/e", "f", "f/g"]


def test_they_are_made_as_an_entry_says_later(root: Root, top: Path) -> None:
    with NewFolders(root) as new:
        made = [new.make(path, 0o750) for path in MANY]
    assert made == [root.entry(path) for path in MANY]
    assert {one.mode for one in made if one} == {0o750}


def test_a_mode_that_is_not_given_is_that_of_the_umask(root: Root, top: Path) -> None:
    before = os.umask(0o027)
    try:
        with NewFolders(root) as new:
            made = [new.make("a", None), new.make("b", 0o775), new.make("c", 0o500)]
    finally:
        os.umask(before)
    assert [one.mode for one in made if one] == [0o750, 0o775, 0o700]


def test_what_is_there_stays(root: Root, top: Path) -> None:
    (top / "folder").mkdir(0o700)
    (top / "file").write_text("x")
    (top / "link").symlink_to("elsewhere")
    with NewFolders(root) as new:
        assert [new.make(name, 0o755) for name in ("folder", "file", "link")] == [None] * 3
    assert (top / "folder").stat().st_mode & 0o777 == 0o700
    assert (top / "file").read_text() == "x" and os.readlink(top / "link") == "elsewhere"


@pytest.mark.parametrize(
    ("above", "code"),
    [("missing", Code.VANISHED), ("file", Code.NOT_A_FOLDER), ("link", Code.SYMLINK)],
)
def test_without_a_folder_above_none_is_made(root: Root, top: Path, above: str, code: Code) -> None:
    (top / "file").touch()
    (top / "away").mkdir()
    (top / "link").symlink_to("away")
    with NewFolders(root) as new, pytest.raises(ProblemError) as refused:
        new.make(f"{above}/new", 0o755)
    assert refused.value.problem.code == code
    assert os.listdir(top / "away") == []


def test_a_folder_above_that_is_moved_meanwhile_is_noticed(root: Root, top: Path) -> None:
    with NewFolders(root) as new:
        new.make("a", 0o755)
        (top / "a").rename(top / "away")
        with pytest.raises(ProblemError) as refused:
            new.make("a/b", 0o755)
        assert refused.value.problem.code == Code.VANISHED
        (top / "a").symlink_to("away")
        with pytest.raises(ProblemError) as refused:
            new.make("a/c", 0o755)
        assert refused.value.problem.code == Code.SYMLINK


def test_few_stay_open(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_folders, "OPEN", 2)
    before = len(os.listdir("/proc/self/fd"))
    with NewFolders(root) as new:
        for depth in range(1, 30):
            assert new.make("/".join(["d"] * depth), None)
        assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_chain_is_opened_once(root: Root, on: System, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    open_below = on.open_below

    def told(folder: int, path: str, flags: int) -> int:
        opened.append(path)
        return open_below(folder, path, flags)

    monkeypatch.setattr(on, "open_below", told)
    with NewFolders(root) as new:
        for path in MANY:
            new.make(path, 0o755)
    assert opened == MANY


def test_a_mode_is_set_only_where_the_umask_took_some_of_it(top: Path, kind: str) -> None:
    before = os.umask(0o022)
    told, calls = recording(kind)
    root = Root.open(str(top), told)
    try:
        with NewFolders(root) as new:
            assert new.make("a", 0o755) == Entry("a", FOLDER, mode=0o755, ident=_ident(top / "a"))
            new.make("b", 0o775)
    finally:
        os.umask(before)
        root.close()
    assert calls == ["mkdir", "mkdir", "chmod"]


def _ident(place: Path) -> int:
    return place.stat().st_ino
