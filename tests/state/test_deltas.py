"""Changes in many folders: only some listings are open at once, and nothing else is different."""

import random
from pathlib import Path

import pytest

from cargo_sync.model import large_folders, paths
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.state import deltas, observations, parts
from cargo_sync.state.database import Database
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.sqlite.database import SqliteDatabase

FOLDERS = ("", "a", "a/b", "c", "d")


@pytest.fixture
def state(tmp_path: Path) -> Database:
    return SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")


def changes(rng: random.Random, version: int) -> list[tuple[str, Entry | None]]:
    found: list[tuple[str, Entry | None]] = []
    for number in range(60):
        path = paths.join(rng.choice(FOLDERS), rng.choice("abcdefgh"))
        kind = FOLDER if path in FOLDERS else FILE
        if rng.random() < 0.2:
            found.append((path, None))
        else:
            at = version + number
            found.append((path, Entry(paths.name(path), kind, 1, 1, 0o644, at, at)))
    return found


def trees(folders: Folders) -> list[tuple[str, tuple[object, ...] | None]]:
    """The whole folders; where they are cut depends on when they are written."""
    found: dict[str, tuple[object, ...] | None] = {}
    for state in folders.below(""):
        listing = None if state.far is None else tuple(state.far)
        before = found.get(state.path)
        found[state.path] = (*before, *(listing or ())) if before is not None else listing
    return sorted(found.items())


@pytest.mark.parametrize("seed", range(8))
def test_what_is_written_in_between_makes_no_difference(
    state: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(large_folders, "LONG", 2)
    for module in (large_folders, deltas, observations, parts):
        monkeypatch.setattr(module, "LONGEST", 4)
    rng = random.Random(seed)
    one, other = (Folders(state, JobRows(state).get_or_create(name).id) for name in "ab")
    for turn in range(3):
        some = changes(rng, turn * 100)
        monkeypatch.setattr(deltas, "OPEN", 2**30)
        one.observe_far(some)
        monkeypatch.setattr(deltas, "OPEN", rng.choice((0, 100, 400)))
        other.observe_far(some)
        assert trees(one) == trees(other)


def test_only_so_much_is_open_at_once(state: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    monkeypatch.setattr(deltas, "OPEN", 2_000)
    folders = Folders(state, JobRows(state).get_or_create("a").id)
    names = [f"{number:02}" for number in range(20)]

    def brought(version: int) -> list[tuple[str, Entry | None]]:
        return [
            (f"{folder}/{name}", Entry(name, FILE, 1, 1, 0o644, version, version))
            for folder in names
            for name in names
        ]

    folders.observe_far(brought(1))
    made = deltas.ColumnDeltas._listing

    def listing(self: deltas.ColumnDeltas, key: bytes) -> deltas._Listing:
        found = made(self, key)
        opened.append(sum(len(one.found or b"") for one in self._open.values()))
        return found

    monkeypatch.setattr(deltas.ColumnDeltas, "_listing", listing)
    folders.observe_far(brought(2))
    largest = max(len(state.listings[1] or b"") for state in folders.below(""))
    assert largest < max(opened) <= 2_000 + largest
    assert all(entry.version == 2 for state in folders.below("") for entry in state.far or ())
