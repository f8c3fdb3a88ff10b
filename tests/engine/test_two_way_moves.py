"""Renames in two-way jobs: which are renamed on the other side, and which are copied."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.moves import LEAST
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.testing.tree import MemoryTree
from tests.engine.renames import Make, big, run
from tests.engine.world import System
from tests.state.crash import Killed

STRIDE = 11
"""The daemon is killed at one statement in so many."""

SIDES = pytest.mark.parametrize("side", ["near", "far"])


@pytest.fixture
def make(make: Make) -> Make:
    return partial(make, Mode.BIDIRECTIONAL, settle=0.0)


class Killing:
    """Kills the daemon when `left` more statements have been made."""

    left: int | None = None

    def __call__(self, statement: str) -> None:
        if self.left == 0:
            self.left = None
            raise Killed(statement)
        if self.left is not None:
            self.left -= 1


async def began(system: System, *paths: str) -> None:
    for path in paths:
        system.near.write(path, big(path[-1]))
    await run(system)
    system.said()


async def rests(system: System, runs: int = 3) -> None:
    for _ in range(runs):
        report = await run(system)
    assert not (report.acted or report.advanced)
    assert system.near.files() == system.far.files()


def sides(system: System, side: str) -> tuple[MemoryTree, MemoryTree]:
    """The side on which people rename something, and the other one."""
    trees = system.near, system.far
    return trees if side == "near" else (trees[1], trees[0])


@SIDES
async def test_a_renamed_file_is_renamed_on_the_other_side(make: Make, side: str) -> None:
    system = make()
    await began(system, "d/a", "other")
    here, there = sides(system, side)
    here.move("d/a", "b")
    report = await run(system)
    assert (report.files, report.bytes) == (0, 0)
    [moved] = system.events
    assert system.said() == ["moved b"]
    assert moved.details.moved_from == "d/a"
    assert moved.details.direction == ("upload" if side == "near" else "download")
    assert not there.trash
    await rests(system)
    assert system.near.files() == {"b": big("a"), "other": big("r")}


@SIDES
async def test_a_folder_is_renamed_with_all_in_it(make: Make, side: str) -> None:
    system = make()
    await began(system, "d/e/a", "d/b")
    system.near.write("d/small", b"small")
    await run(system)
    system.said()
    here, there = sides(system, side)
    here.move("d", "new")
    report = await run(system)
    assert (report.files, report.bytes) == (0, 0)
    assert system.said() == ["moved new"]
    assert not there.trash
    await rests(system)
    assert sorted(system.near.files()) == ["new/b", "new/e/a", "new/small"]
    assert system.near.entry("d") is None is system.far.entry("d")


@SIDES
@pytest.mark.parametrize(
    ("moves", "said"),
    [
        ("a>A", ["moved A"]),
        ("a>s b>a s>b", ["moved a", "moved b"]),
        ("d>s a>d s>a", ["moved a", "moved d"]),
        ("a>s b>a c>b s>c", ["moved a", "moved b", "moved c"]),
        ("d>e d2>d", ["moved d", "moved e"]),
        ("d>e e/in>f", ["moved e", "moved f"]),
        ("d>new/e", ["moved new/e"]),
        ("d2>d/d2 d>e/f", ["moved e/f", "moved e/f/d2"]),
    ],
)
async def test_names_that_change_places_are_renamed(
    make: Make, side: str, moves: str, said: list[str]
) -> None:
    system = make()
    await began(system, "a", "b", "c", "d/x", "d/in/y", "d2/z")
    here, there = sides(system, side)
    for move in moves.split():
        here.move(*move.split(">"))
    report = await run(system)
    assert report.bytes == 0
    assert sorted(system.said()) == said
    assert not there.trash
    await rests(system)


@SIDES
async def test_what_was_renamed_over_a_file_leaves_that_in_the_trash(make: Make, side: str) -> None:
    system = make()
    await began(system, "a", "b")
    here, there = sides(system, side)
    here.remove("b")
    here.move("a", "b")
    report = await run(system)
    assert report.bytes == 0
    assert there.trash == [("a", big("b"))]
    await rests(system)
    assert system.near.files() == {"b": big("a")}


@SIDES
async def test_changes_in_a_folder_that_the_other_side_renamed(make: Make, side: str) -> None:
    system = make()
    await began(system, "d/a", "d/b", "d/c", "d/in/d")
    here, there = sides(system, side)
    here.move("d", "new")
    here.save("new/c", big("y"), 9)
    there.save("d/a", big("x"), 9)
    there.remove("d/b")
    there.write("d/in/more", big("m"))
    there.move("d/in/d", "d/in/e")
    await rests(system, runs=4)
    assert system.near.files() == {
        "new/a": big("x"),
        "new/c": big("y"),
        "new/in/e": big("d"),
        "new/in/more": big("m"),
    }


@SIDES
async def test_a_folder_that_the_other_side_deleted_is_sent(make: Make, side: str) -> None:
    system = make()
    await began(system, "d/a")
    here, there = sides(system, side)
    here.move("d", "new")
    there.remove("d")
    await rests(system)
    assert system.near.files() == {"new/a": big("a")}


async def test_of_different_renames_of_a_folder_the_servers_wins(make: Make) -> None:
    system = make()
    await began(system, "d/a", "d/b")
    system.near.move("d", "here")
    system.far.move("d", "there")
    system.near.save("here/a", big("x"), 9)
    system.far.write("there/c", big("c"))
    report = await run(system)
    assert report.bytes == 2 * LEAST
    await rests(system)
    assert system.near.files() == {"there/a": big("x"), "there/b": big("b"), "there/c": big("c")}
    assert not system.near.trash
    assert [path for path, _ in system.far.trash] == ["there/a"]


async def test_folders_that_went_into_each_other_lose_nothing(make: Make) -> None:
    system = make()
    await began(system, "d/a", "e/b")
    system.near.move("d", "e/d")
    system.far.move("e", "d/e")
    await rests(system, runs=6)
    assert set(system.near.files().values()) == {big("a"), big("b")}


async def test_both_sides_rename_at_once(make: Make) -> None:
    system = make()
    await began(system, "a", "b")
    system.near.move("a", "near")
    system.far.move("b", "far")
    report = await run(system)
    assert report.bytes == 0
    assert sorted(system.said()) == ["moved far", "moved near"]
    await rests(system)
    assert system.near.files() == {"near": big("a"), "far": big("b")}


async def test_the_same_rename_on_both_sides_needs_no_step(make: Make) -> None:
    system = make()
    await began(system, "a")
    system.near.move("a", "b")
    system.far.move("a", "b")
    report = await run(system)
    assert (report.files, report.bytes) == (0, 0)
    await rests(system)
    assert system.near.files() == {"b": big("a")}
    assert not system.near.trash and not system.far.trash


async def test_of_different_renames_of_a_file_the_servers_wins(make: Make) -> None:
    system = make()
    await began(system, "a")
    system.near.move("a", "near")
    system.far.move("a", "far")
    report = await run(system)
    assert report.bytes == 0
    assert system.said() == ["moved far"]
    await rests(system)
    assert system.near.files() == {"far": big("a")}
    assert not system.near.trash


async def test_different_renames_of_a_file_that_was_changed_too_keep_both(make: Make) -> None:
    system = make()
    await began(system, "a")
    system.near.move("a", "near")
    system.far.move("a", "far")
    system.far.save("far", big("x"), 9)
    await rests(system)
    assert system.near.files() == {"near": big("a"), "far": big("x")}


@SIDES
async def test_a_file_that_the_other_side_changed_follows_with_its_change(
    make: Make, side: str
) -> None:
    system = make()
    await began(system, "a")
    here, there = sides(system, side)
    here.move("a", "b")
    there.save("a", big("x"), 9)
    report = await run(system)
    assert report.bytes == LEAST
    await rests(system)
    assert system.near.files() == {"b": big("x")}
    assert not there.trash
    assert here.trash == [("b", big("a"))]


@SIDES
async def test_a_file_that_an_editor_replaced_meanwhile_follows_too(make: Make, side: str) -> None:
    system = make()
    await began(system, "a")
    here, there = sides(system, side)
    here.move("a", "b")
    there.write("a", big("x"), 9)
    await rests(system)
    assert system.near.files() == {"b": big("x")}


async def test_what_the_other_side_has_at_the_new_path_stays(make: Make) -> None:
    system = make()
    await began(system, "a")
    system.near.move("a", "b")
    system.far.write("b", big("x"))
    await rests(system, runs=5)
    assert sorted(system.near.files().values()) == [big("a"), big("x")]


@SIDES
async def test_another_content_under_the_same_ident_is_sent(make: Make, side: str) -> None:
    system = make()
    await began(system, "a")
    here, there = sides(system, side)
    entry = here.entry("a")
    assert entry is not None
    here.move("a", "b")
    here.save("b", big("x"), entry.mtime_ns)
    await rests(system)
    assert there.files() == {"b": big("x")}
    assert there.trash == [("a", big("a"))]


async def test_other_contents_of_what_both_sides_moved_apart_stay(make: Make) -> None:
    system = make()
    await began(system, "a")
    entry = system.near.entry("a")
    assert entry is not None
    system.near.move("a", "near")
    system.near.save("near", big("x"), entry.mtime_ns)
    system.far.move("a", "far")
    await rests(system)
    assert system.near.files() == {"near": big("x"), "far": big("a")}


@SIDES
async def test_what_the_other_side_changed_is_not_overwritten_by_a_swap(
    make: Make, side: str
) -> None:
    system = make()
    await began(system, "a", "b")
    here, there = sides(system, side)
    here.exchange("a", "b")
    entry = there.entry("b")
    assert entry is not None
    there.save("b", big("x"), entry.mtime_ns)
    await rests(system, runs=5)
    assert {big("a"), big("x")} <= set(system.near.files().values())
    assert not any(content == big("x") for _, content in system.near.trash + system.far.trash)


@SIDES
async def test_what_the_other_side_changed_stays_when_something_is_renamed_over_it(
    make: Make, side: str
) -> None:
    system = make()
    await began(system, "a", "b")
    here, there = sides(system, side)
    here.remove("b")
    here.move("a", "b")
    there.save("b", big("x"), 9)
    await rests(system, runs=5)
    assert sorted(system.near.files().values()) == [big("a"), big("x")]


@SIDES
async def test_a_folder_that_was_renamed_over_one_with_changes_keeps_them(
    make: Make, side: str
) -> None:
    system = make()
    await began(system, "d/a", "e/b", "e/c")
    here, there = sides(system, side)
    here.remove("e")
    here.move("d", "e")
    there.save("e/b", big("x"), 9)
    there.write("e/new", big("n"))
    await rests(system, runs=5)
    assert sorted(system.near.files().values()) == [big("a"), big("n"), big("x")]


async def test_a_file_that_went_on_after_the_rename_keeps_its_new_neighbour(make: Make) -> None:
    system = make()
    await began(system, "log")
    system.near.move("log", "log.1")
    system.near.write("log", big("n"))
    await rests(system)
    assert system.far.files() == {"log": big("n"), "log.1": big("g")}


async def test_where_deletions_are_not_repeated_both_paths_stay(make: Make) -> None:
    system = make(propagate=False)
    await began(system, "a")
    system.near.move("a", "b")
    await rests(system)
    assert system.near.files() == {"a": big("a"), "b": big("a")}


@SIDES
async def test_the_guard_counts_no_renames(make: Make, side: str) -> None:
    system = make()
    await began(system, *(f"d/{number}" for number in range(12)))
    here, _ = sides(system, side)
    for number in range(12):
        here.move(f"d/{number}", f"d/new {number}")
    assert (await run(system)).held == ""
    await rests(system)
    assert len(system.near.files()) == 12


@SIDES
async def test_a_preview_has_the_renames(make: Make, side: str) -> None:
    system = make()
    await began(system, "a", "b", "c")
    here, _ = sides(system, side)
    here.move("a", "new")
    here.remove("b")
    here.write("d", big("d"))
    preview = system.run()
    report = await preview.preview()
    page = system.memory.planned.page(report.run, 0, 100)
    assert page is not None
    steps = [f"{one.action.op} {one.action.path}" for one in page.actions]
    assert sorted(steps) == ["delete b", "move new", "put d"]
    await rests(system)


@SIDES
async def test_files_that_change_places_on_one_side_and_go_on_the_other_are_kept(
    make: Make, side: str
) -> None:
    system = make()
    await began(system, "a", "b")
    here, there = sides(system, side)
    for path in "ab":
        there.remove(path)
    for move in (("a", "s"), ("b", "a"), ("s", "b")):
        here.move(*move)
    await run(system)
    await rests(system)
    assert here.files() == {"a": big("b"), "b": big("a")}


async def test_a_file_that_took_the_place_of_a_deleted_one_is_kept(make: Make) -> None:
    system = make()
    await began(system, "a", "b")
    system.far.remove("b")
    system.near.remove("b")
    system.near.move("a", "b")
    await rests(system)
    assert system.near.files() == {"b": big("a")}


@pytest.mark.parametrize("exchanged", [False, True])
async def test_what_others_did_in_a_folder_just_before_its_rename_is_seen(
    make: Make, exchanged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make()
    await began(system, "d/a", "d/b", "other/c")
    near, far = system.near, system.far
    if exchanged:
        near.exchange("d", "other")
    else:
        near.move("d", "new")
    apply = far.apply

    async def meddle(actions: Sequence[Action], run: str) -> list[Outcome]:
        if any(one.op is Op.MOVE for one in actions):
            monkeypatch.undo()
            far.remove("d/a")
            far.save("d/b", big("x"), 9)
        return await apply(actions, run)

    monkeypatch.setattr(far, "apply", meddle)
    report = await run(system)
    assert report.again_in is not None
    await rests(system, runs=4)
    files = near.files()
    assert big("a") not in files.values()
    assert files["other/b" if exchanged else "new/b"] == big("x")


async def test_nothing_is_renamed_into_a_folder_that_is_gone_on_the_other_side(make: Make) -> None:
    system = make(settle=2.0)
    await began(system, "a", "d/old")
    system.far.remove("d")
    system.near.move("a", "d/a")
    system.near.save("d/a", big("a"), int((system.wall() + 100) * 1e9))  # not still yet
    await run(system)
    assert system.far.entry("d") is None
    await rests(system, runs=4)
    assert system.near.files() == {"d/a": big("a")}


@pytest.mark.parametrize("apart", [False, True])
async def test_a_daemon_that_is_killed_during_a_rename_loses_nothing(
    apart: bool, tmp_path: Path
) -> None:
    killing = Killing()
    with SqliteDatabase.open(str(tmp_path / "state.db"), "daemon", killing) as database:
        for at in count(0, STRIDE):
            system = System(database, Mode.BIDIRECTIONAL, f"job {at}", propagate=True, settle=0.0)
            await began(system, "d/a", "d/b")
            system.near.move("d", "here")
            if apart:
                system.far.move("d", "there")
            system.near.save("here/a", big("x"), 9)
            killing.left = at
            with suppress(Killed):
                await run(system)
            killed, killing.left = killing.left is None, None
            if not killed:
                break
            system.restart()
            await rests(system, runs=3)
            assert {big("x"), big("b")} <= set(system.near.files().values())
        assert at > STRIDE
