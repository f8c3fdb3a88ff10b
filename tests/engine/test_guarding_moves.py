"""Small files that are renamed are sent again, and their old paths deleted: the guard lets them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.jobs import DAY, Mode
from cargo_sync.state.holds import Ruling
from cargo_sync.testing.tree import MemoryTree
from tests.engine.world import System

MODES = pytest.mark.parametrize("mode", list(Mode))
Make = Callable[..., System]
FILES = 20


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def system(mode: Mode = Mode.BIDIRECTIONAL, **rules: Any) -> System:
        made = System(tmp_path, mode, **{"settle": 0.0, "propagate": True} | rules)
        for number in range(FILES):
            made.near.write(f"a/{number:02}", b"small %d" % number)
        return made

    return system


def move(tree: MemoryTree, source: str, target: str, count: int = FILES) -> None:
    """Moves files one by one, as a program does that copies and deletes."""
    for number in range(count):
        content = tree.files()[f"{source}/{number:02}"]
        tree.write(f"{target}/{number:02}", content)
        tree.remove(f"{source}/{number:02}")


async def began(system: System) -> MemoryTree:
    """First contact; returns the side at which people work."""
    if system.rules.mode is Mode.DOWNLOAD:
        for path, content in system.near.files().items():
            system.far.write(path, content)
            system.near.remove(path)
        system.near.remove("a")
    await system.look()
    system.now += 2 * DAY
    return system.far if system.rules.mode is Mode.DOWNLOAD else system.near


@MODES
async def test_all_files_are_moved(make: Make, mode: Mode) -> None:
    system = make(mode)
    here = await began(system)
    move(here, "a", "b")
    assert not (await system.look()).held
    assert sorted(system.far.files()) == sorted(system.near.files())
    assert all(path.startswith("b/") for path in system.far.files())
    side = "near" if mode is Mode.DOWNLOAD else "far"
    assert system.memory.window.sums(side, DAY, system.now).touched == 0


@MODES
async def test_the_same_files_are_moved_many_times(make: Make, mode: Mode) -> None:
    system = make(mode)
    here = await began(system)
    for before, after in ("ab", "bc", "cd", "da", "ab"):
        move(here, before, after)
        system.now += 600
        assert not (await system.look()).held
    assert all(path.startswith("b/") for path in system.far.files())


async def test_few_are_moved_at_a_time(make: Make) -> None:
    system = make()
    here = await began(system)
    for number in range(FILES):
        here.write(f"b/{number}", here.files()[f"a/{number:02}"])
        here.remove(f"a/{number:02}")
        assert not (await system.look()).held
    assert len(system.far.files()) == FILES


async def test_the_server_has_them_long_before_the_old_ones_are_deleted(make: Make) -> None:
    system = make()
    await began(system)
    for number in range(FILES):
        system.far.write(f"b/{number}", b"small %d" % number)
        await system.look()
    system.restart()
    for number in range(FILES):
        system.far.remove(f"a/{number:02}")
    assert not (await system.look()).held
    assert len(system.near.files()) == FILES


async def test_they_arrive_after_the_old_ones_were_deleted(make: Make) -> None:
    system = make(settle=10.0)
    here = await began(system)
    for some in (range(8), range(8, 16)):
        for number in some:
            content = here.files()[f"a/{number:02}"]
            here.write(f"b/{number}", content, int(system.now * 1e9))
            here.remove(f"a/{number:02}")
        await system.look()
        system.now += 60
        assert not (await system.look()).held
    assert len(system.far.files()) == FILES


async def test_what_was_brought_and_is_gone_too_excuses_nothing(make: Make) -> None:
    system = make()
    here = await began(system)
    move(here, "a", "b")
    await system.look()
    here.remove("b")
    held = await system.look()
    assert held.deletions == FILES and len(system.far.files()) == FILES


async def test_what_was_brought_and_changed_excuses_nothing(make: Make) -> None:
    system = make()
    here = await began(system)
    for number in range(FILES):
        here.write(f"b/{number:02}", b"small %d" % number)
    await system.look()
    here.remove("a")
    for number in range(FILES):
        here.write(f"b/{number:02}", b"encrypted %d" % number)
    report = await system.look()
    assert report.deletions == FILES


async def test_a_copy_excuses_one_deletion(make: Make) -> None:
    system = make()
    here = await began(system)
    for number in range(FILES):
        here.write(f"same/{number:02}", b"the same")
    await system.look()
    system.memory.events.mark(system.now)
    system.now += 2 * DAY
    here.write("copy", b"the same")
    here.remove("same")
    here.remove("a")
    assert (await system.look()).deletions == 2 * FILES - 1


async def test_copies_that_came_together_excuse_no_deletion(make: Make) -> None:
    system = make()
    for number in range(FILES):
        system.near.write(f"same/{number:02}", b"the same")
        system.near.write(f"a/{number:02}", b"the same")
    await system.look()
    system.now += 60
    for number in range(FILES):
        system.near.remove(f"a/{number:02}")
    system.near.remove("same/00")
    assert (await system.look()).deletions == FILES + 1


async def test_what_was_overwritten_first_counts_although_it_is_moved(make: Make) -> None:
    system = make(settle=0.0)
    here = await began(system)
    for number in range(FILES):
        here.write(f"a/{number:02}", b"noise %d" % number)
        await system.look()
        here.write(f"a/{number:02}.locked", b"noise %d" % number)
        here.remove(f"a/{number:02}")
        await system.look()
    left = [one for one in system.far.files().values() if one.startswith(b"small")]
    assert len(left) == FILES // 2


async def test_other_deletions_are_held_with_the_moves(make: Make) -> None:
    system = make()
    here = await began(system)
    for number in range(FILES):
        here.write(f"c/{number:02}", b"other %d" % number)
    await system.look()
    move(here, "a", "b", 5)
    for number in range(5, FILES):
        here.remove(f"a/{number:02}")
    here.remove("c")
    [held] = (await system.look()).holds.values()
    assert (held.deletions, held.first[0]) == (35, "a/05")
    system.memory.holds.decide(held.id, Ruling.APPROVED)
    assert not (await system.look()).held
    assert len(system.far.files()) == 5


@MODES
async def test_a_move_excuses_nothing_that_was_deleted_at_its_path_before(
    make: Make, mode: Mode
) -> None:
    system = make(mode)
    here = await began(system)
    for step in (here.remove, lambda path: here.write(path, path.encode())):
        for number in range(6):
            step(f"a/{number:02}")
        assert not (await system.look()).held
        system.now += 60
    move(here, "a", "b", 6)
    assert not (await system.look()).held
    for number in range(6, 11):
        here.remove(f"a/{number:02}")
    assert (await system.look()).deletions == 5


@pytest.mark.parametrize("deleted", [False, True])
async def test_no_file_is_moved_to_where_another_one_was_displaced(
    make: Make, deleted: bool
) -> None:
    """All files are copied over one other, one after the other."""
    system = make(Mode.UPLOAD)
    here = system.near
    here.write("one", b"one")
    await began(system)
    held = 0
    for number in range(FILES):
        if deleted:
            here.remove("one")
            held += bool((await system.look()).held)
            system.now += 60
        here.write("one", here.files()[f"a/{number:02}"])
        held += bool((await system.look()).held)
        system.now += 60
        here.remove(f"a/{number:02}")
        held += bool((await system.look()).held)
        system.now += 60
    assert held and len(system.far.files()) > FILES / 2 - 1
