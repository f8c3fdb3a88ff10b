"""A local file system that takes two names for one: the later name waits, all others go on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.testing.tree import MemoryTree
from tests.engine.world import System

Make = Callable[[Mode], System]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    made: list[System] = []
    opened = MemoryTree.open

    async def folding(tree: MemoryTree, cursor: int = 0) -> Identity:
        identity = await opened(tree, cursor)
        near = made and tree is made[-1].near
        return Identity(identity.root, folds=True) if near else identity

    monkeypatch.setattr(MemoryTree, "open", folding)

    def new(mode: Mode) -> System:
        made.append(System(tmp_path, mode, propagate=True))
        return made[-1]

    yield new
    for system in made:
        system.database.close()


@pytest.mark.parametrize("mode", [Mode.DOWNLOAD, Mode.BIDIRECTIONAL])
async def test_a_later_name_waits_with_all_that_is_below_it(make: Make, mode: Mode) -> None:
    system: Any = make(mode)
    for path in ("Readme", "readme", "Dir/a", "dir/a", "dir/deep/b", "other"):
        system.far.write(path, path.encode())
    report = await system.run().execute()
    assert set(system.near.files()) == {"Readme", "Dir/a", "other"}
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
    assert set(system.far.files()) == {"Readme", "readme", "Dir/a", "dir/a", "dir/deep/b", "other"}

    system.far.remove("Readme")
    system.now += 100_000
    await system.run().execute()
    system.now += 100_000
    await system.run().execute()
    assert set(system.near.files()) == {"readme", "Dir/a", "other"}
    assert system.near.read("readme") == b"readme"
