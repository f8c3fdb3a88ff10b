"""Renames at the destination, as the state keeps them: rows of folders, names, and idents."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model import agreed, entries, large_folders, paths
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.plan.moves import LEAST
from cargo_sync.state import deltas, forgetting, moved_folders, observations, parts
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.moved_folders import RenamedEntry, in_turn
from cargo_sync.state.observations import Observed
from cargo_sync.state.sqlite.database import SqliteDatabase

TREE = {"a": 1, "a/d": 2, "a/d/e": 3, "a/d/e/f": 4, "a/d/x": 5, "a/y": 6, "b": 7, "b/z": 8, "c": 9}
FOLDERS = {"a", "a/d", "a/d/e", "b"}


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Folders]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "daemon") as database:
        yield Folders(database, JobRows(database).get_or_create("job").id)


def entry(path: str, ident: int, *, is_folder: bool) -> Entry:
    if is_folder:
        return Entry(paths.name(path), FOLDER, version=ident, ident=ident)
    return Entry(paths.name(path), FILE, LEAST + ident, version=ident, ident=ident)


def fill(job: Folders, tree: dict[str, int], some_folders: set[str]) -> None:
    """Both sides have the tree, and it is agreed on."""
    for path, ident in tree.items():
        one = entry(path, ident, is_folder=path in some_folders)
        job.observe_far([(path, one)])
        job.agree([(path, agreed.agree(one, one))])


def seen(job: Folders, side: str = "far") -> dict[str, int]:
    """Path -> ident, of a side or of base, by the listings alone."""
    found = {}
    for state in job.below(""):
        for one in getattr(state, side) or ():
            found[paths.join(state.path, one.name)] = (
                one.far_ident if isinstance(one, Agreed) else one.ident
            )
    return found


def rename(job: Folders, source: str, path: str, *, exchange: bool = False) -> None:
    base, there = job.entry(source)[2], job.entry(source)[1]
    assert base and there
    name, other = paths.name(path), None
    if exchange:
        _, far, known = job.entry(path)
        assert far and known
        back = paths.name(source)
        other = known._replace(name=back), far._replace(name=back)
    done = RenamedEntry(source, path, base._replace(name=name), there._replace(name=name), other)
    job.follow([done], "far")


def moved(tree: dict[str, int], source: str, path: str) -> dict[str, int]:
    return {
        path + one[len(source) :] if paths.is_below(one, source) else one: ident
        for one, ident in tree.items()
    }


def check(job: Folders, tree: dict[str, int]) -> None:
    assert seen(job) == seen(job, "base") == tree
    idents = {ident: [path] for path, ident in tree.items()}
    assert job.places(list(idents), near=False) == idents
    assert job.idents_at(list(tree), near=True) == tree


def test_a_folder_is_moved_with_all_that_is_known_below(job: Folders) -> None:
    fill(job, TREE, FOLDERS)
    rename(job, "a/d", "b/new")
    check(job, moved(TREE, "a/d", "b/new"))
    assert job.counts() == (5, 5 * LEAST + 4 + 5 + 6 + 8 + 9)


def test_a_folder_whose_rows_are_moved_in_slices_is_moved_wholly(
    job: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moved_folders, "SLICE", 1)
    fill(job, TREE, FOLDERS)
    rename(job, "a", "b/new")
    check(job, moved(TREE, "a", "b/new"))


def test_two_folders_or_a_folder_and_a_file_change_places(job: Folders) -> None:
    fill(job, TREE, FOLDERS)
    rename(job, "a/d", "b", exchange=True)
    tree = moved(moved(moved(TREE, "b", "-"), "a/d", "b"), "-", "a/d")
    check(job, tree)
    rename(job, "c", "b", exchange=True)
    check(job, moved(moved(moved(tree, "b", "-"), "c", "b"), "-", "c"))


def test_what_was_seen_at_the_source_stays(job: Folders) -> None:
    """The folder is at its new place already, in parts of another size."""
    fill(job, TREE, FOLDERS)
    blob = entries.encode((Entry("x", FILE, 1), Entry("y", FILE, 1)))
    job.observe_near([Observed("new", blob, 2)])
    rename(job, "a", "new")
    check(job, moved(TREE, "a", "new"))
    assert set(seen(job, "near")) == {"new/x", "new/y"}
    assert "a" not in {state.path for state in job.below("")}


@pytest.mark.parametrize("seed", range(20))
def test_large_folders_stay_whole_wherever_they_are_cut(
    job: Folders, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(seed)
    small: list[tuple[Any, str, int]] = [(large_folders, "LONG", 2), (parts, "JOINED", 150)]
    small += [(module, "LONGEST", 3) for module in (large_folders, deltas, observations, parts)]
    for module, name, value in small:
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(forgetting, "_BYTES", 1)
    tree, some = {"a": 1, "a/d": 2, "b": 3}, {"a", "a/d", "b"}
    for number in range(30):
        tree[f"{rng.choice(['a', 'a/d', 'b'])}/{rng.randrange(50):02}"] = 10 + number
    fill(job, tree, some)
    names = sorted({f"{rng.randrange(50):02}" for _ in range(12)})
    some_near = tuple(Entry(name, FILE, 1) for name in names)
    job.observe_near([Observed("new", entries.encode(some_near), len(names))])
    for source, path, swap in (("a", "new", False), ("new", "b", True), ("b/d", "new/e", False)):
        if f"{path}" in tree and not swap:
            continue
        rename(job, source, path, exchange=swap)
        tree = moved(moved(tree, path, "-"), source, path)
        tree = moved(tree, "-", source)
        check(job, tree)
        for state in job.below(""):
            listings = (state.near or (), state.far or (), state.base or ())
            assert all(
                not state.first or one.name >= state.first for some in listings for one in some
            )


def test_what_is_not_agreed_any_more_is_not_found(job: Folders) -> None:
    fill(job, TREE, FOLDERS)
    job.agree([("a/d", None), ("c", None)])
    assert job.places(list(TREE.values()), near=True) == {
        1: ["a"],
        6: ["a/y"],
        7: ["b"],
        8: ["b/z"],
    }
    small = Entry("y", FILE, 1, ident=20)
    job.agree([("b", None), ("a/y", agreed.agree(small, small))])
    assert job.places([20, 7, 8], near=True) == {}
    assert job.knows_idents()


def test_inodes_are_unsigned(job: Folders) -> None:
    inode = 2**64 - 5
    one = entry("a", inode, is_folder=True)._replace(version=1)
    job.agree([("a", agreed.agree(one, one._replace(ident=3)))])
    assert job.places([inode, 7], near=True) == {inode: ["a"]}
    assert job.idents_at(["a"], near=True) == {"a": inode}


def test_each_folder_is_stored_alone_and_in_turn() -> None:
    def one(path: str, *, is_folder: bool = False) -> RenamedEntry:
        there = entry(path, 1, is_folder=is_folder)
        return RenamedEntry("old", path, agreed.agree(there, there), there)

    some = [one("a"), one("b"), one("c", is_folder=True), one("d", is_folder=True), one("e")]
    turns = [[each.path for each in turn] for turn in in_turn(some)]
    assert turns == [["a", "b"], ["c"], ["d"], ["e"]]
