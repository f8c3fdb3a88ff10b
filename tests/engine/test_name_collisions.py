"""A file system that takes two names for one: the later name waits, all others go on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.testing.tree import MemoryTree
from tests.engine.world import System

Make = Callable[[Mode, str], System]
"""The mode of the job, and its side that folds names."""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    made: list[tuple[System, str]] = []
    opened = MemoryTree.open

    async def folding(tree: MemoryTree, *seen: Any) -> Identity:
        identity = await opened(tree, *seen)
        folds = any(getattr(system, side) is tree for system, side in made)
        return replace(identity, folds=folds)

    monkeypatch.setattr(MemoryTree, "open", folding)

    def new(mode: Mode, side: str) -> System:
        made.append((System(tmp_path, mode, propagate=True), side))
        return made[-1][0]

    yield new
    for system, _ in made:
        system.database.close()


@pytest.mark.parametrize(
    ("mode", "source", "folding"),
    [
        (Mode.DOWNLOAD, "far", "near"),
        (Mode.BIDIRECTIONAL, "far", "near"),
        (Mode.UPLOAD, "near", "far"),
        (Mode.BIDIRECTIONAL, "near", "far"),
    ],
)
async def test_a_later_name_waits_with_all_that_is_below_it(
    make: Make, mode: Mode, source: str, folding: str
) -> None:
    system: Any = make(mode, folding)
    here, there = getattr(system, source), getattr(system, folding)
    for path in ("Readme", "readme", "Dir/a", "dir/a", "dir/deep/b", "other"):
        here.write(path, path.encode())
    report = await system.run().execute()
    assert set(there.files()) == {"Readme", "Dir/a", "other"}
    assert {(one.code, one.path) for one in report.problems} == {
        ("name_collision", "dir"),
        ("name_collision", "readme"),
    }
    assert sorted(said for said in system.said() if "failed" in said) == [
        "failed dir",
        "failed readme",
    ]
    report = await system.run().execute()
    assert system.said() == [] and not report.acted, "it is not due yet"
    assert set(here.files()) == {"Readme", "readme", "Dir/a", "dir/a", "dir/deep/b", "other"}

    here.remove("Readme")
    system.now += 100_000
    await system.run().execute()
    system.now += 100_000
    await system.run().execute()
    assert set(there.files()) == {"readme", "Dir/a", "other"}
    assert there.read("readme") == b"readme"


@pytest.mark.parametrize(
    ("mode", "source", "folding"),
    [
        (Mode.DOWNLOAD, "near", "far"),
        (Mode.UPLOAD, "far", "near"),
    ],
)
async def test_a_source_that_folds_names_is_no_reason_to_wait(
    make: Make, mode: Mode, source: str, folding: str
) -> None:
    system: Any = make(mode, folding)
    for path in ("Readme", "readme"):
        getattr(system, folding).write(path, path.encode())
    await system.run().execute()
    assert set(getattr(system, source).files()) == {"Readme", "readme"}
