"""What is done about paths in conflict, by a policy or a person."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.engine.conflicts import NAMES, ConflictResolution, ConflictSteps
from cargo_sync.engine.context import RunContext
from cargo_sync.engine.report import RunProgress, RunReport
from cargo_sync.model.abilities import CARGO
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import agree
from cargo_sync.model.conflicts import Choice, Conflict, ConflictPolicy
from cargo_sync.model.entries import Entry
from cargo_sync.model.events import Event, Happened
from cargo_sync.model.problems import Code, Problem
from cargo_sync.state.conflicts import Conflicts
from cargo_sync.state.observations import Observed
from cargo_sync.testing.tree import MemoryTree
from tests.engine.world import System

MARK = "(conflict unknown 2027-01-15 0800)"


class Desk:
    """A job whose sides both have changed some paths. `look` does what a survey does."""

    def __init__(self, folder: Path, policy: str = "keep_both", **rules: Any) -> None:
        self.system = System(folder, conflicts=ConflictPolicy(policy), settle=0.0, **rules)
        self.near, self.far = self.system.near, self.system.far
        self.report = RunReport("run", self.system.now)
        self.rows = Conflicts(self.system.database)
        self.begin()

    def begin(self) -> None:
        """A run begins."""
        context = RunContext(
            self.system.rules,
            self.system.memory,
            self.system.world(),
            self.report,
            RunProgress(),
            lambda: self.system.far.newest,
            lambda: CARGO,
        )
        self.resolution = ConflictResolution(context, self.near, self.far, self.system._tell)

    def clash(self, path: str, near: bytes = b"local", far: bytes = b"server's") -> Action:
        """Both sides have written a file."""
        return self.conflict(
            path, self.near.write(path, near, mtime_ns=1), self.far.write(path, far, mtime_ns=2)
        )

    def conflict(self, path: str, near: Entry, far: Entry) -> Action:
        return Action(Op.CONFLICT, path, near, far, "new on both sides")

    def look(self) -> None:
        folders = self.system.memory.folders
        for tree, observe in (
            (self.near, folders.observe_near),
            (self.far, folders.observe_far_whole),
        ):
            below = [tree._listing("")]
            below += [tree._listing(path) for path, one in tree._entries.items() if one.kind == "d"]
            observe([Observed(one.path, one.listing, one.entries) for one in below])

    async def resolve(self, *actions: Action) -> ConflictSteps:
        self.look()
        return await self.resolution(actions)

    def row(self) -> Conflict:
        [row] = self.rows.page(None, open=None, after=0, limit=9)
        return row

    def told(self) -> list[Event]:
        told, self.system.events[:] = list(self.system.events), []
        return told


def shown(steps: Sequence[Action]) -> list[tuple[str, str, bool]]:
    """op, path, and whether something is there."""
    return [(one.op.value, one.path, one.expected is not None) for one in steps]


async def test_both_are_kept_and_the_servers_has_the_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    action = desk.clash("d/a.txt")
    assert action.source and action.expected
    desk.system.memory.folders.agree([("d/a.txt", agree(action.source, action.expected))])
    up, down = await desk.resolve(action)
    copy = f"d/a {MARK}.txt"
    assert desk.near.files() == {copy: b"local"}
    assert shown(down) == [("put", "d/a.txt", False)]
    assert down[0].source == action.expected
    assert shown(up) == [("put", copy, False)]
    assert up[0].source == desk.near.entry(copy)
    assert desk.system.memory.folders.entry("d/a.txt") == (None, action.expected, None)
    assert desk.system.memory.folders.entry(copy) == (desk.near.entry(copy), None, None)
    row = desk.row()
    assert (row.open, row.choice, row.copy, row.person) == (False, Choice.KEEP_BOTH, copy, False)
    assert row.evidence.base is not None
    [event] = desk.told()
    assert (event.happened, event.path) == (Happened.CONFLICT, "d/a.txt")
    assert (event.details.choice, event.details.copy) == ("keep_both", copy)
    assert event.message == f"both sides changed it; the local version is now {copy!r}"


@pytest.mark.parametrize(
    ("policy", "way"), [("local", "up"), ("remote", "down"), ("newest", "down")]
)
async def test_one_version_wins_by_an_ordinary_put(tmp_path: Path, policy: str, way: str) -> None:
    desk = Desk(tmp_path, policy)
    action = desk.conflict(
        "a",
        desk.near.write("a", b"1", mtime_ns=10**18),
        desk.far.write("a", b"2", mtime_ns=10**18 + 10**10),
    )
    steps = await desk.resolve(action)
    ours, theirs = action.source, action.expected
    assert [*steps.up, *steps.down] == [
        Action(
            Op.PUT,
            "a",
            *((ours, theirs) if way == "up" else (theirs, ours)),
            f"conflict: the {'local' if way == 'up' else chr(115) + 'erver' + chr(39) + 's'}"
            " version wins",
            drifted=True,
        )
    ]
    assert (steps.up if way == "up" else steps.down) != []
    assert desk.near.files() == {"a": b"1"}
    assert desk.row().open
    assert [event.happened for event in desk.told()] == [Happened.CONFLICT]


async def test_newest_keeps_both_after_the_clock_jumped(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "newest")
    jump = Event("", Happened.CLOCK_JUMPED, desk.system.now)
    desk.system.memory.folders.agree([], [jump])
    near = desk.near.write("a", b"1", mtime_ns=10**18)
    far = desk.far.write("a", b"2", mtime_ns=10**18 + 10**10)
    await desk.resolve(desk.conflict("a", near, far))
    assert desk.row().choice is Choice.KEEP_BOTH


async def test_asked_once_and_decided_by_a_person(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "ask")
    action = desk.clash("a.txt")
    assert await desk.resolve(action) == ConflictSteps([], [])
    await desk.resolution.finish()
    assert await desk.resolve(action) == ConflictSteps([], [])
    [event] = desk.told()
    assert event.details.choice is None
    row = desk.row()
    assert row.open and row.choice is None
    assert desk.rows.choose(row.id, row.evidence, Choice.KEEP_BOTH)
    _, down = await desk.resolve(action)
    assert shown(down) == [("put", "a.txt", False)]
    assert desk.near.files() == {f"a {MARK}.txt": b"local"}
    row = desk.row()
    assert (row.open, row.person, row.copy) == (False, True, f"a {MARK}.txt")


async def test_a_choice_is_not_carried_out_if_a_side_has_changed_since(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "ask")
    await desk.resolve(desk.clash("a"))
    row = desk.row()
    assert desk.rows.choose(row.id, row.evidence, Choice.LOCAL)
    assert await desk.resolve(desk.clash("a", near=b"edited again")) == ConflictSteps([], [])
    row = desk.row()
    assert (row.open, row.choice) == (True, None)
    assert len(desk.told()) == 2


async def test_what_is_no_conflict_any_more_is_closed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "ask")
    gone, same, still = (desk.clash(name) for name in ("gone", "same", "still"))
    await desk.resolve(gone, same, still)
    desk.near.remove("gone")
    assert same.source and same.expected
    desk.system.memory.folders.agree([("same", agree(same.source, same.expected))])
    desk.begin()
    desk.look()
    await desk.resolution.finish()
    opened = desk.rows.page(None, open=True, after=0, limit=9)
    assert [one.path for one in opened] == ["still"]  # also if this run did not name it
    assert desk.system.memory.conflicts.open == 1


async def test_a_folder_keeps_its_name_on_either_side(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "local")
    near, far = desk.near.write("a.txt", b"file"), desk.far.make("a.txt")
    up, down = await desk.resolve(desk.conflict("a.txt", near, far))
    assert shown(down) == [("mkdir", "a.txt", False)]
    assert shown(up) == [("put", f"a {MARK}.txt", False)]
    assert desk.report.again_in is not None  # what is in the folder comes with the next look

    near, far = desk.near.make("b.txt"), desk.far.write("b.txt", b"file")
    up, down = await desk.resolve(desk.conflict("b.txt", near, far))
    copy = f"b {MARK}.txt"
    assert desk.far.files() == {copy: b"file"}
    assert shown(up) == [("mkdir", "b.txt", False)]
    assert shown(down) == [("put", copy, False)]
    assert down[0].source == desk.far.entry(copy)
    assert desk.system.memory.folders.entry("b.txt") == (near, None, None)


async def test_a_name_that_is_taken_on_either_side_is_not_used(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.near.write(f"a {MARK}.txt", b"")
    desk.far.write(f"a {MARK} 2.txt", b"")
    action = desk.clash("a.txt")
    desk.look()
    desk.near.write(f"a {MARK} 3.txt", b"")  # it came after the look
    up, _ = await desk.resolution([action])
    assert [one.path for one in up] == [f"a {MARK} 4.txt"]
    assert desk.row().copy == f"a {MARK} 4.txt"


async def test_a_copy_that_the_job_leaves_out_stays_here(tmp_path: Path) -> None:
    desk = Desk(tmp_path, exclude=("*(conflict*",))
    up, down = await desk.resolve(desk.clash("a.txt"))
    assert (shown(up), shown(down)) == ([], [("put", "a.txt", False)])
    assert desk.near.files() == {f"a {MARK}.txt": b"local"}


async def test_what_changed_since_the_plan_is_not_renamed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    action, other = desk.clash("a"), desk.clash("b")
    desk.look()
    desk.near.write("a", b"newer")
    _, down = await desk.resolution([action, other])
    assert [one.path for one in down] == ["b"]
    assert desk.near.files() == {"a": b"newer", f"b {MARK}": b"local"}
    assert desk.report.again_in is not None
    assert [one.path for one in desk.rows.page(None, open=True, after=0, limit=9)] == ["a"]


class Refusing(MemoryTree):
    """A folder in which nothing can be renamed."""

    code = Code.OS_ERROR

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        return [Outcome(one, problem=Problem(self.code, "no", one.path)) for one in actions]


@pytest.mark.parametrize("code", [Code.OS_ERROR, Code.OCCUPIED])
async def test_a_conflict_that_cannot_be_resolved_fails_alone(tmp_path: Path, code: Code) -> None:
    desk = Desk(tmp_path)
    desk.near = Refusing("near", "local")
    desk.near.code = code
    desk.begin()
    assert await desk.resolve(desk.clash("a")) == ConflictSteps([], [])
    assert desk.system.memory.failures.paths() == {"a"}
    assert desk.row().open


async def test_not_all_names_are_tried(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    action = desk.clash("a")
    desk.look()
    for number in range(NAMES + 1):
        desk.near.write(f"a {MARK}" + (f" {number}" if number > 1 else ""), b"")
    assert await desk.resolution([action]) == ConflictSteps([], [])
    assert desk.system.memory.failures.paths() == {"a"}


async def test_a_row_is_written_before_anything_is_done(tmp_path: Path) -> None:
    """A kill between the row, the rename and its record: the next run goes on from there."""
    desk = Desk(tmp_path)
    action = desk.clash("a.txt")
    desk.look()

    async def killed(actions: Sequence[Action], run: str) -> list[Outcome]:
        for one in actions:
            desk.near.do(one)
        raise asyncio.CancelledError

    desk.near.apply = killed  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await desk.resolution([action])
    row = desk.row()
    assert row.open and row.copy == f"a {MARK}.txt"
    assert desk.near.files() == {row.copy: b"local"}
    desk.begin()
    desk.look()
    await desk.resolution.finish()  # the path is gone here now, so it is no conflict
    after = desk.row()
    assert (after.open, after.choice, after.copy) == (False, Choice.KEEP_BOTH, row.copy)
