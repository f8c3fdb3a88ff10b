"""Folders of two-way jobs that were deleted on one side, and cannot go on the other one yet, or at
all.
"""

from functools import partial
from typing import Any

import pytest

from cargo_sync.model.jobs import Mode
from cargo_sync.testing.tree import MemoryTree
from tests.engine.renames import Make, run
from tests.engine.world import System

SIDES = pytest.mark.parametrize("side", ["near", "far"])


@pytest.fixture
def make(make: Make) -> Make:
    return partial(make, Mode.BIDIRECTIONAL)


async def began(system: System, side: str, *files: str) -> tuple[MemoryTree, MemoryTree]:
    """The side that keeps its folders, and the other one, on which they are deleted."""
    here, there = (system.near, system.far) if side == "near" else (system.far, system.near)
    for path in files:
        here.write(path, path.encode())
    await run(system)
    system.said()
    return here, there


async def rests(system: System) -> None:
    for _ in range(4):
        report = await run(system)
    assert not (report.acted or report.advanced)
    assert system.memory.folders.unsettled(None, None, 9) == []


def tree(side: MemoryTree) -> list[str]:
    return sorted(side._entries)


@SIDES
async def test_it_stays_for_what_is_left_out(make: Make, side: str) -> None:
    system = make(settle=0.0, exclude=("*.tmp",))
    here, there = await began(system, side, "d/a", "d/e/b", "d/e/x.tmp", "z")
    there.remove("d")
    await run(system)
    assert sorted(system.said()) == ["deleted d/a", "deleted d/e/b", "kept d", "kept d/e"]
    await rests(system)
    assert tree(here) == ["d", "d/e", "d/e/x.tmp", "z"]
    assert tree(there) == ["z"]
    assert system.said() == []


@SIDES
async def test_what_is_new_in_it_brings_it_back(make: Make, side: str) -> None:
    system = make(settle=0.0, exclude=("*.tmp",))
    here, there = await began(system, side, "d/a", "d/x.tmp")
    here.set_mode("d", 0o700)
    await run(system)
    there.remove("d")
    await rests(system)
    here.write("d/new", b"new")
    await rests(system)
    assert tree(there) == ["d", "d/new"]
    assert [one.entry("d").mode for one in (here, there)] == [0o700, 0o700]  # type: ignore[union-attr]


@SIDES
@pytest.mark.parametrize("there_now", ["nothing", "file", "folder"])
async def test_people_may_do_without_it(make: Make, side: str, there_now: str) -> None:
    system = make(settle=0.0, exclude=("*.tmp",))
    here, there = await began(system, side, "d/a", "d/x.tmp")
    there.remove("d")
    await rests(system)
    if there_now == "nothing":
        here.remove("d")
    elif there_now == "file":
        there.write("d", b"a file")
    else:
        there.write("d/other", b"other")
    await rests(system)
    if there_now == "file":  # a conflict: the folder keeps the name
        [copy] = [path for path in there.files() if path.startswith("d (conflict")]
        assert here.files() == {"d/x.tmp": b"d/x.tmp", copy: b"a file"}
    else:
        left = {} if there_now == "nothing" else {"d/other": b"other"}
        assert there.files() == left
        assert here.files().items() >= left.items()


async def test_it_waits_for_a_file_that_is_not_still_yet(make: Make) -> None:
    system = make(settle=2.0)
    near, far = await began(system, "near", "d/a", "d/b")
    system.now += 100
    await run(system)
    for path in ("d/a", "d/b", "d"):
        far.remove(path)
    near.write("d/a", b"d/a", mtime_ns=int(system.wall() * 1e9))
    said: list[Any] = []
    for _ in range(5):
        await system.look()
        system.now += 1
        said += system.said()
    assert said == ["deleted d/b", "deleted d/a", "deleted d"]
    assert tree(near) == tree(far) == []
    await rests(system)
