import os
import shutil
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from blake3 import blake3

from cargo_sync.local.folders import Folder
from cargo_sync.local.listing import entry_of
from cargo_sync.local.read import hash_file
from cargo_sync.local.root import Root
from cargo_sync.local.scan import Seen, Unseen, walk
from cargo_sync.model import paths
from cargo_sync.model.entries import (
    EARLIEST,
    LATEST,
    Entry,
    EntryColumns,
    decode,
    encode,
    is_clamped,
)
from cargo_sync.model.problems import ProblemError, from_os_error
from tests.local.samples import IN_1601, IN_2300, dated


def seen(found: Seen | Unseen) -> str:
    """A folder as a line: `path: names`."""
    assert isinstance(found, Seen)
    return f"{found.path}: {' '.join(entry.name for entry in found.listing)}"


def test_folders_come_in_component_order_before_what_is_below_them(root: Root, top: Path) -> None:
    for path in ("a/x", "a-b/y", "b/é", "b/z", "b/Z", "b/😀"):
        (top / path).mkdir(parents=True)
    assert list(map(seen, walk(root))) == [
        ": a a-b b",
        "a: x",
        "a/x: ",
        "a-b: y",
        "a-b/y: ",
        "b: Z z é 😀",
        "b/Z: ",
        "b/z: ",
        "b/é: ",
        "b/😀: ",
    ]
    found = [one.path for one in walk(root)]
    assert found == sorted(found, key=paths.key)


def test_a_reserved_name_is_never_listed_and_only_that_of_another_root_is_told(
    root: Root, top: Path
) -> None:
    (top / ".cargo_sync" / "trash").mkdir(parents=True)
    (top / ".Cargo_Sync").mkdir()
    (top / "a" / ".cargo_sync" / "trash").mkdir(parents=True)
    (top / "a" / ".cargo_sync2").touch()
    found = list(walk(root))
    assert list(map(seen, found)) == [": a", "a: .cargo_sync2"]
    problems = [problem for one in found if isinstance(one, Seen) for problem in one.problems]
    assert [(one.code, one.path) for one in problems] == [
        ("reserved_name", ".Cargo_Sync"),
        ("reserved_name", "a/.cargo_sync"),
    ]


def test_what_is_excluded_is_neither_listed_nor_entered(root: Root, top: Path) -> None:
    (top / "keep" / "skip").mkdir(parents=True)
    (top / "keep" / "skip.txt").write_text("a file")
    asked: list[tuple[str, bool]] = []

    def excluded(path: str, is_folder: bool) -> bool:
        asked.append((path, is_folder))
        return path == "keep/skip"

    assert list(map(seen, walk(root, lambda folder, names: excluded))) == [
        ": keep",
        "keep: skip.txt",
    ]
    assert sorted(asked) == [("keep", True), ("keep/skip", True), ("keep/skip.txt", False)]


def test_names_that_cannot_be_carried_are_problems_of_their_own(root: Root, top: Path) -> None:
    (top / "good").write_text("good")
    with open(os.fsencode(top) + b"/bad\xff", "wb"):
        pass
    os.mkfifo(top / "pipe")
    os.symlink(b"to\xff", os.fsencode(top) + b"/link")
    (found,) = walk(root)
    assert seen(found) == ": good"
    assert isinstance(found, Seen)
    assert sorted((one.path, one.code) for one in found.problems) == [
        ("bad\\xff", "bad_name"),
        ("link", "special"),
        ("pipe", "special"),
    ]


def test_a_folder_without_oddities_is_listed_as_one_by_one(root: Root, top: Path) -> None:
    """It is read in one go; a link in it makes the scan look at each name."""
    for number, mode in enumerate((0o644, 0o600, 0o4755)):
        (top / f"file {number}").write_bytes(b"x" * number)
        (top / f"file {number}").chmod(mode)
    (top / "été").mkdir(0o750)
    (top / ".hidden").touch()
    [together, _] = walk(root)
    (top / "link").symlink_to("file 1")
    [one_by_one, _] = walk(root)
    assert isinstance(together, Seen) and isinstance(one_by_one, Seen)
    names = [".hidden", "file 0", "file 1", "file 2", "été"]
    assert together.listing.names == names
    assert list(together.listing) == [root.entry(name) for name in names]
    assert [entry for entry in one_by_one.listing if entry.name != "link"] == list(together.listing)


@pytest.mark.parametrize("seconds", [IN_2300, IN_1601])
def test_a_time_out_of_range_is_listed_as_the_nearest(root: Root, top: Path, seconds: int) -> None:
    for name in ("good", "odd"):
        (top / name).write_text(name)
    dated(top / "odd", seconds)
    (found,) = walk(root)
    assert isinstance(found, Seen)
    [notice] = found.problems
    assert (notice.code, notice.path) == ("bad_time", "odd")
    year, kept = ("1601-01-01", "1677-09-21 00:12:43") if seconds < 0 else ("2300", "2262-04-11")
    assert year in notice.message and kept in notice.message
    assert EntryColumns.decode(found.listing.encode()) == found.listing
    good, odd = found.listing
    assert (is_clamped(good.mtime_ns), odd.mtime_ns) == (
        False,
        EARLIEST if seconds < 0 else LATEST,
    )
    assert root.entry("odd") == odd
    assert hash_file(root, "odd", odd) == blake3(b"odd").hexdigest()


@pytest.mark.parametrize("seconds", [IN_2300, IN_1601])
def test_a_time_that_no_file_system_here_keeps(seconds: int) -> None:
    for kind in (stat.S_IFREG, stat.S_IFLNK):
        status = SimpleNamespace(
            st_mode=kind | 0o644, st_size=1, st_mtime_ns=seconds * 10**9, st_ctime_ns=1, st_ino=1
        )
        entry = entry_of("odd", cast(os.stat_result, status), "to" if kind == stat.S_IFLNK else "")
        assert isinstance(entry, Entry) and is_clamped(entry.mtime_ns)
        assert decode(encode((entry,))) == (entry,)


def test_a_path_too_long_is_a_problem_not_an_end(root: Root, top: Path) -> None:
    deep = "/".join(["d" * 200] * 20)
    root.make_folder(deep)
    with root.folder(deep) as folder:
        os.close(os.open("x" * 80, os.O_CREAT | os.O_WRONLY, dir_fd=folder.fd))
        os.close(os.open("ok", os.O_CREAT | os.O_WRONLY, dir_fd=folder.fd))
    last = list(walk(root))[-1]
    assert isinstance(last, Seen)
    assert [entry.name for entry in last.listing] == ["ok"]
    assert [problem.code for problem in last.problems] == ["bad_name"]


def test_a_folder_that_cannot_be_read_is_unseen_and_the_rest_goes_on(root: Root, top: Path) -> None:
    for path in ("a", "b/below", "c"):
        (top / path).mkdir(parents=True)
    real = root.folder

    def folder(path: str) -> Folder:
        if path == "b":
            raise ProblemError(from_os_error(PermissionError(13, "denied"), path))
        return real(path)

    root.folder = folder  # type: ignore[method-assign]
    found = list(walk(root))
    assert [type(one).__name__ for one in found] == ["Seen", "Seen", "Unseen", "Seen"]
    assert isinstance(found[2], Unseen)
    assert (found[2].path, found[2].problem.code) == ("b", "unreadable")


def test_a_mount_point_is_listed_by_its_parent_and_unseen_itself(root: Root, top: Path) -> None:
    (top / "mounted").mkdir()
    root.device += 1
    root.still_there = lambda: True  # type: ignore[method-assign]
    first, second = walk(root)
    assert seen(first) == ": mounted"
    assert isinstance(second, Unseen)
    assert second.problem.code == "other_device"


def test_a_folder_removed_meanwhile_is_unseen_not_empty(root: Root, top: Path) -> None:
    (top / "a").mkdir()
    scan = walk(root)
    next(scan)
    (top / "a").rmdir()
    (gone,) = scan
    assert isinstance(gone, Unseen)
    assert gone.problem.code == "vanished"


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_root_that_is_gone_is_no_empty_root(root: Root, top: Path, when: str) -> None:
    scan = walk(root)
    if when == "during":
        next(scan)
    shutil.rmtree(top)
    top.mkdir()
    with pytest.raises(ProblemError) as error:
        next(scan)
    assert error.value.problem.code == "root_gone"
    with pytest.raises(ProblemError):
        root.listing("")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of more than three names are cut after two names."""
    monkeypatch.setattr("cargo_sync.local.root.MOST", 3)
    monkeypatch.setattr("cargo_sync.model.large_folders.LONG", 2)
    monkeypatch.setattr("cargo_sync.model.large_folders.LONGEST", 2)


def lines(scan: Iterator[Seen | Unseen]) -> list[str]:
    """As `seen`, with where a part begins and ends."""
    found = []
    for one in scan:
        if isinstance(one, Unseen):
            found.append(f"{one.path}: {one.problem.code}")
        else:
            found.append(f"{seen(one)} [{one.first}-{one.end}]")
    return found


@pytest.mark.usefixtures("small_parts")
def test_a_large_folder_comes_in_parts_before_what_is_below_it(root: Root, top: Path) -> None:
    for name in "abcdefg":
        (top / "in" / name).mkdir(parents=True)
    (top / "in" / "d" / "x").mkdir()
    assert lines(walk(root, lambda *_: lambda path, _: path in ("in/a", "in/c"))) == [
        ": in [-]", "in: b [-c]", "in: d [c-e]", "in: e f [e-g]", "in: g [g-]",
        "in/b:  [-]", "in/d: x [-]", "in/d/x:  [-]", "in/e:  [-]", "in/f:  [-]", "in/g:  [-]",
    ]  # fmt: skip


@pytest.mark.usefixtures("small_parts")
def test_a_large_folder_may_have_names_that_are_left_out(root: Root, top: Path) -> None:
    for name in (b"\xff1", b"\xff2", b"\xff3", b"\xff4", b"\xff5"):
        (top / os.fsdecode(name)).touch()
    [part] = walk(root)
    assert isinstance(part, Seen) and (len(part.listing), part.end) == (0, "")
    assert [problem.code for problem in part.problems] == ["bad_name"] * 5


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(("away", "code"), [("gone", "vanished"), ("replaced", "changed")])
def test_the_rest_of_a_large_folder_that_is_taken_away_is_unknown(
    root: Root, top: Path, away: str, code: str
) -> None:
    for name in "abcdef":
        (top / "in" / name).mkdir(parents=True)
    scan = walk(root)
    assert lines(islice(scan, 2)) == [": in [-]", "in: a b [-c]"]
    (top / "in").rename(top / "away")
    if away == "replaced":
        (top / "in").mkdir()
    assert lines(scan) == [f"in: {code}"]


@pytest.mark.usefixtures("small_parts")
def test_names_that_come_and_go_while_a_large_folder_is_read(root: Root, top: Path) -> None:
    for name in "abcdef":
        (top / name).touch()
    scan = walk(root)
    next(scan)
    (top / "d").unlink()
    (top / "bb").touch()
    assert lines(scan) == [": c [c-e]", ": e f [e-]"]
