"""Runs after renames at the source: what is renamed at the destination, and what is copied."""

from typing import Any

import pytest

from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.plan.moves import LEAST
from cargo_sync.trees.contract import Missed
from tests.engine.renames import Make, big, run
from tests.engine.world import System

BOTH = pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])


async def began(system: System, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        system.source.write(path, content)
    await run(system)
    system.said()


async def rests(system: System) -> None:
    """Both sides are equal, and a second run does nothing."""
    system.said()
    assert system.source.files() == system.destination.files()
    folders = [
        {path for path, entry in tree._entries.items() if entry.kind == "d"}
        for tree in (system.source, system.destination)
    ]
    assert folders[0] == folders[1]
    await run(system)
    assert system.said() == []
    assert system.memory.folders.unsettled(None, None, 10) == []


@BOTH
async def test_a_renamed_file_is_renamed(make: Make, mode: Mode) -> None:
    system = make(mode)
    await began(system, {"a": big("a"), "f/x": b"1"})
    system.source.move("a", "f/b")
    report = await run(system)
    assert (report.files, report.bytes) == (0, 0)
    assert system.said() == ["moved f/b"]
    assert system.destination.trash == []
    await rests(system)


@BOTH
async def test_a_folder_is_renamed_with_all_in_it(make: Make, mode: Mode) -> None:
    system = make(mode)
    await began(system, {"a/x": b"1", "a/y": big("y"), "a/d/z": b"3", "b": b"4"})
    system.source.move("a", "new/a")
    await run(system)
    assert system.said() == ["moved new/a"]
    assert system.destination.trash == []
    await rests(system)


@BOTH
@pytest.mark.parametrize(
    ("moves", "said"),
    [
        ("a>A", ["moved A"]),
        ("a>s b>a s>b", ["moved a", "moved b"]),
        ("d>s a>d s>a", ["moved a", "moved d"]),
        ("a>s b>a c>b s>c", ["moved a", "moved b", "moved c"]),
        ("d>e d2>d", ["moved e", "moved d"]),
        ("d/big>big d>e", ["moved big", "moved e"]),
        ("b>c2 a>b", ["moved c2", "moved b"]),
        ("a>d/a d>e", ["moved e", "moved e/a"]),
        ("d2>d/d2 d>e/f", ["moved e/f", "moved e/f/d2"]),
        ("d/in>s d>s/d", ["moved s", "moved s/d"]),
    ],
)
async def test_names_that_change_places_are_renamed(
    make: Make, mode: Mode, moves: str, said: list[str]
) -> None:
    system = make(mode)
    await began(
        system,
        {one: big(one) for one in "abc"}
        | {"d/x": b"1", "d/big": big("d"), "d/in/y": b"2", "d2/z": b"3"},
    )
    for move in moves.split():
        system.source.move(*move.split(">"))
    report = await run(system)
    assert report.bytes == 0
    assert sorted(system.said()) == sorted(said)
    assert system.destination.trash == []
    await rests(system)


@BOTH
async def test_what_a_rename_replaced_goes_to_the_trash(make: Make, mode: Mode) -> None:
    system = make(mode)
    await began(system, {"log": big("1"), "log.1": big("2"), "log.2": big("3")})
    system.source.remove("log.2")
    system.source.move("log.1", "log.2")
    system.source.move("log", "log.1")
    system.source.write("log", b"new")
    report = await run(system)
    assert report.bytes == 3
    assert [path for path, _ in system.destination.trash] == ["log"]
    assert system.destination.trash[0][1] == big("3")
    await rests(system)


async def test_an_inode_that_is_used_again_is_another_file(make: Make) -> None:
    system = make()
    await began(system, {"a": big("a"), "b": b"1"})
    system.source.move("a", "c")
    system.source.save("c", big("c"), 0)  # as big, and as old
    report = await run(system)
    assert report.bytes == LEAST
    assert sorted(system.said()) == ["deleted a", "uploaded c"]
    await rests(system)


@BOTH
async def test_a_change_in_a_moved_folder_is_sent(make: Make, mode: Mode) -> None:
    system = make(mode)
    await began(system, {"a/x": b"1", "a/y": big("y"), "a/gone/z": b"3"})
    system.source.move("a", "b")
    system.source.write("b/x", b"22", 7)
    system.source.remove("b/gone")
    report = await run(system)
    assert report.bytes == 2
    assert system.said()[0] == "moved b"
    await rests(system)


@BOTH
async def test_files_that_change_places_are_sent_where_the_destination_lost_both(
    make: Make, mode: Mode
) -> None:
    system = make(mode)
    await began(system, {"a": big("a"), "b": big("b")})
    for path in "ab":
        system.destination.remove(path)
    await run(system)
    assert system.said() == [], "delivered is delivered"
    for move in (("a", "s"), ("b", "a"), ("s", "b")):
        system.source.move(*move)
    report = await run(system)
    assert report.bytes == 2 * LEAST
    await rests(system)


@BOTH
async def test_without_deletions_nothing_is_renamed(make: Make, mode: Mode) -> None:
    system = make(mode, propagate=False)
    await began(system, {"a": big("a")})
    system.source.move("a", "b")
    await run(system)
    assert system.destination.files() == {"a": big("a"), "b": big("a")}


@BOTH
async def test_what_the_destination_changed_is_not_renamed(make: Make, mode: Mode) -> None:
    system = make(mode)
    await began(system, {"a": big("a"), "b": big("b"), "c": b"1"})
    system.destination.write("a", big("z"), 9)
    system.destination.write("new", big("own"), 9)
    system.source.move("a", "moved")
    system.source.move("b", "new")
    await run(system)
    files = system.destination.files()
    assert (files["a"], files["moved"], files["new"]) == (big("z"), big("a"), big("b"))
    assert big("own") in [content for _, content in system.destination.trash]


async def test_what_changes_before_the_rename_is_copied(make: Make) -> None:
    """The destination looks again at the moment of the rename."""
    system = make()
    await began(system, {"a": big("a"), "b": b"1"})
    system.source.move("a", "c")
    apply = system.far.apply

    async def late(actions: Any, run: str) -> Any:
        if any(action.op == "move" for action in actions):
            system.far.write("a", big("z"), 9)
        return await apply(actions, run)

    system.far.apply = late  # type: ignore[method-assign]
    await run(system)
    assert system.far.files() == {"a": big("z"), "b": b"1", "c": big("a")}


async def test_a_folder_that_cannot_be_read_hides_what_may_be_in_it(make: Make) -> None:
    system = make()
    await began(system, {"d/a": big("a"), "b": b"1"})
    system.source.move("d/a", "a")
    observe = system.near.observe

    async def blind(cursor: int) -> Any:
        async for page in observe(cursor):
            assert not hasattr(page, "changes")
            yield [
                Missed("d", Problem(Code.OS_ERROR, "no", "d")) if one.path == "d" else one
                for one in page
            ]

    system.near.observe = blind  # type: ignore[method-assign]
    system.now += 100
    report = await system.run().execute()
    assert report.bytes == LEAST, "it may be a second name"
    assert system.far.files() == {"d/a": big("a"), "a": big("a"), "b": b"1"}


@BOTH
async def test_a_preview_shows_the_renames(make: Make, mode: Mode) -> None:
    system = make(mode)
    await began(system, {"a": big("a"), "d/x": b"1", "d/e/y": b"2", "z": b"3"})
    system.source.move("a", "b")
    system.source.move("d", "f")
    system.source.remove("z")
    preview = system.run()
    await preview.preview()
    page = system.memory.planned.page(preview.report.run, 0, 100)
    assert page is not None
    steps = [f"{one.action.op} {one.action.path}" for one in page.actions]
    assert sorted(steps) == ["delete z", "move b", "move f"]


async def test_renames_are_not_deletions_for_the_guard(make: Make) -> None:
    system = make()
    await began(system, {f"{number:02}": big("x") for number in range(12)})
    for number in range(12):
        system.source.move(f"{number:02}", f"n{number:02}")
    report = await run(system)
    assert not report.held
    await rests(system)
