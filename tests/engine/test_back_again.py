"""What is gone at one side, and back again, while a run that follows is killed in between."""

from collections.abc import Sequence
from typing import Any

import pytest

from cargo_sync.model.actions import Op
from cargo_sync.model.agreed import GONE
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.tree import MemoryTree
from tests.engine.renames import Make, big, run
from tests.engine.world import System

MODES = pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])
SIDES = pytest.mark.parametrize("side", ["near", "far"])


def other(system: System, tree: MemoryTree) -> MemoryTree:
    return system.far if tree is system.near else system.near


async def killed(system: System, tree: MemoryTree, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed when it has deleted or renamed something in `tree`."""
    apply = tree.apply

    async def last(actions: Sequence[Any], run: str) -> Any:
        done = await apply(actions, run)
        if any(action.op in (Op.DELETE, Op.MOVE) for action in actions):
            raise ProblemError(Problem(Code.CUT, "killed"))
        return done

    with monkeypatch.context() as patched:
        patched.setattr(tree, "apply", last)
        with pytest.raises(ProblemError, match="killed"):
            await system.run().execute()
    system.restart()
    system.now += 100


async def rests(system: System) -> None:
    for _ in range(4):
        report = await run(system)
    assert not (report.acted or report.advanced)


@MODES
async def test_what_was_deleted_is_sent_again(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    source, destination = system.source, system.destination
    for path in ("d/x", "d/e/y", "stays"):
        source.write(path, path.encode())
    source.make("d/empty", 0o700)
    await run(system)
    source.move("d", "aside")
    with monkeypatch.context() as patched:
        system.memory.folders.knows_idents = lambda: False  # type: ignore[method-assign]
        await killed(system, destination, patched)
    source.move("aside", "d")
    await rests(system)
    assert destination.files().items() >= source.files().items()
    empty = destination.entry("d/empty")
    assert empty is not None and empty.mode == 0o700


@MODES
@pytest.mark.parametrize("there", ["d/e/b", "new"])
async def test_what_was_renamed_is_sent_again(
    make: Make, mode: Mode, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    source, destination = system.source, system.destination
    source.write("d/e/big", big("b"))
    source.write("d/e/small", b"small")
    await run(system)
    moved = "d/e/big" if there == "d/e/b" else "d"
    source.move(moved, there)
    await killed(system, destination, monkeypatch)
    assert destination.entry(moved) is None
    source.move(there, moved)
    await rests(system)
    assert destination.files().items() >= source.files().items()


@MODES
async def test_folders_that_changed_places_and_did_so_again(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    source, destination = system.source, system.destination
    source.write("d/x", b"1")
    source.write("e/x", b"2")
    await run(system)
    source.exchange("d", "e")
    await killed(system, destination, monkeypatch)
    assert destination.files() == {"d/x": b"2", "e/x": b"1"}
    source.exchange("d", "e")
    await rests(system)
    assert destination.files() == source.files() == {"d/x": b"1", "e/x": b"2"}


@SIDES
@pytest.mark.parametrize("content", [b"small", big("a")])
async def test_both_sides_keep_what_came_back(
    make: Make, side: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(Mode.BIDIRECTIONAL, settle=0.0)
    here = system.near if side == "near" else system.far
    for path in ("d/x", "stays"):
        here.write(path, content)
    await run(system)
    here.move("d/x", "aside")
    await killed(system, other(system, here), monkeypatch)
    here.move("aside", "d/x")
    await rests(system)
    assert system.near.files() == system.far.files()
    assert system.near.files().items() >= {"d/x": content, "stays": content}.items()


async def test_what_came_back_before_anything_was_done_is_compared(make: Make) -> None:
    system = make(Mode.UPLOAD)
    system.near.write("a", b"1")
    await run(system)
    system.memory.folders.note_gone(["a", "b"], near=True)
    [row] = system.memory.folders.part("", "a").base or ()  # type: ignore[union-attr]
    assert (row.near_version, row.was_gone) == (GONE, True)
    system.said()
    await run(system)
    await rests(system)
    assert (system.said(), system.far.trash) == ([], [])
    assert not system.memory.folders.part("", "a").base[0].was_gone  # type: ignore[union-attr,index]
