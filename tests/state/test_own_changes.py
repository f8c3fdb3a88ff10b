"""Own changes of the far side: the same rows as if the server had listed them."""

import random

import pytest

from cargo_sync.machines.own_changes import OwnChanges
from cargo_sync.model import entries, large_folders, paths
from cargo_sync.model.agreed import agree
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.state import deltas, own_changes, parts
from cargo_sync.state.database import Database
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.observations import Observed

Far = dict[str, Entry]


@pytest.fixture
def jobs(daemon: Database) -> tuple[Folders, Folders]:
    some = [Folders(daemon, JobRows(daemon).get_or_create(name).id) for name in ("a", "b")]
    return some[0], some[1]


def upload(folders: Folders, files: dict[str, int], size: int = 1) -> Far:
    """Files were uploaded: they are here, they are agreed on, and the server gave them versions."""
    there: Far = {}
    for folder in sorted({paths.parent(path) for path in files}):
        names = sorted(path for path in files if paths.parent(path) == folder)
        here = [Entry(paths.name(path), FILE, size, 5, 0o644, 70, 71) for path in names]
        folders.observe_near([Observed(folder, entries.encode(tuple(here)), len(here))])
        for path, near in zip(names, here, strict=True):
            far = near._replace(version=files[path], ident=files[path], hash="h" * 64)
            folders.agree([(path, agree(near, far, far.hash))])
            there[path] = far
    return there


def mirror(folders: Folders) -> Far:
    found: Far = {}
    for state in folders.below(""):
        found |= {paths.join(state.path, entry.name): entry for entry in state.far or ()}
    return found


def settle(folders: Folders) -> None:
    folders.settle(list(folders.unsettled(None, None, 100)))


def unsettled(folders: Folders) -> list[str]:
    return [state.path for state in folders.unsettled(None, None, 100)]


def test_new_folders_become_what_was_agreed_and_stay_settled(jobs: tuple[Folders, Folders]) -> None:
    folders, _ = jobs
    there = upload(folders, {"f/a": 3, "f/b": 4, "g/c": 5, "h/d": 9})
    settle(folders)
    assert folders.adopt(OwnChanges(((3, 5),), ("f", "g"), "l"))
    assert mirror(folders) == {path: there[path] for path in ("f/a", "f/b", "g/c")}
    assert unsettled(folders) == []


def test_news_of_their_folders_reads_nothing_that_is_in_them(
    jobs: tuple[Folders, Folders], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server tells of the folders that a job made, not of the files: they may be millions."""
    folders, _ = jobs
    names = [f"d{number}" for number in range(30)]
    files = [f"{name}/{file}" for name in names for file in "abc"]
    there = upload(folders, {path: version for version, path in enumerate(files, 5)})
    settle(folders)
    assert folders.adopt(OwnChanges(((5, 94),), names, "l"))
    opened: list[bytes | None] = []

    class Counted(deltas._Listing):
        def __init__(self, found: bytes | None) -> None:
            super().__init__(found)
            opened.append(found)

    monkeypatch.setattr(deltas, "_Listing", Counted)
    made = {name: Entry(name, FOLDER) for name in [*names, "empty"]}
    folders.observe_far(list(made.items()))
    assert set(opened) == {None}, "only the root, of which nothing was known"
    assert mirror(folders) == there | made
    assert unsettled(folders) == ["", "empty"]


def test_a_folder_with_other_changes_is_looked_at_again(jobs: tuple[Folders, Folders]) -> None:
    folders, _ = jobs
    there = upload(folders, {"f/a": 3, "f/b": 4, "g/c": 5})
    settle(folders)
    folders.observe_near([Observed("g", entries.encode((Entry("new", FILE, 1),)), 1)])
    settle(folders)
    assert folders.adopt(OwnChanges(((3, 3), (5, 5)), ("f", "g"), "l"))
    assert mirror(folders) == {path: there[path] for path in ("f/a", "g/c")}
    assert unsettled(folders) == ["f", "g"], "of one not all is known, the other has a new file"


def test_what_is_not_agreed_on_is_said(jobs: tuple[Folders, Folders]) -> None:
    folders, _ = jobs
    upload(folders, {"f/a": 3, "f/b": 4})
    folders.agree([("f/b", None)])
    assert not folders.adopt(OwnChanges(((3, 4),), ("f",), "l"))
    assert not folders.adopt(OwnChanges(((3, 3),), ("elsewhere",), "l"))
    assert folders.adopt(OwnChanges(((3, 3),), ("f",), "l"))


@pytest.mark.parametrize("seed", range(12))
def test_the_rows_are_those_that_a_server_would_have_listed(
    jobs: tuple[Folders, Folders], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (own_changes, parts, deltas, large_folders):
        monkeypatch.setattr(module, "LONGEST", 4)
    monkeypatch.setattr(large_folders, "LONG", 3)
    monkeypatch.setattr(own_changes, "TOGETHER", 2)
    chance = random.Random(seed)
    files = [f"{folder}{name}" for folder in ("", "f/", "f/g/", "h/") for name in "abcdefgh"]
    version = 0
    for turn in range(4):
        some = chance.sample(files, chance.randint(1, 20))
        versions = {path: version + at for at, path in enumerate(some, 1)}
        version += len(some)
        own = set(chance.sample(some, chance.randint(1, len(some))))
        for folders in jobs:
            there = upload(folders, versions, size=turn)
        ours, listed = jobs
        ranges = tuple((one, one) for one in sorted(versions[path] for path in own))
        assert ours.adopt(OwnChanges(ranges, tuple({paths.parent(path) for path in own}), "l"))
        ours.observe_far([(path, there[path]) for path in some if path not in own])
        listed.observe_far([(path, there[path]) for path in some])
        assert mirror(ours) == mirror(listed)
        assert all(len(state.far or ()) <= 4 for state in ours.below(""))
