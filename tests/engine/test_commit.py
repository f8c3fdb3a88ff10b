"""What is stored for outcomes: the events with all their details, and the report."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cargo_sync.engine.commit import Commit
from cargo_sync.engine.context import RunContext
from cargo_sync.engine.report import RunProgress, RunReport
from cargo_sync.model.abilities import CARGO
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import Base, agree
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.events import Event, EventDetails, EventGroup, groups
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.transfers import Receipt
from cargo_sync.state.events import Events
from cargo_sync.trees.contract import Brought, Moved, Task
from cargo_sync.trees.offers import brought
from tests.engine.world import System, recorded

ENTRY = Entry("a", FILE, 5, 1, 0o644, 1, 1)
FAR = ENTRY._replace(ident=9)
PUT = Action(Op.PUT, "a", ENTRY)
RECEIPT = Receipt("done", FAR.version, FAR.ident, FAR.mtime_ns, FAR.mode, "content")
MOVED = Brought([Task(PUT, "t1")], [RECEIPT], (), Moved(1.23456789, 2, 30.5))


Told = tuple[str, str, int, EventDetails]


class Committing:
    """One run of a job that gets outcomes; `told` has its events."""

    def __init__(self, state: Path, mode: Mode) -> None:
        self.system = System(state, mode)
        self.report = RunReport("run", 0.0)
        self.told: list[Event] = []
        context = RunContext(
            self.system.rules,
            self.system.memory,
            self.system.world(),
            self.report,
            RunProgress(),
            lambda: self.system.far.newest,
            lambda: CARGO,
        )
        self._commit = Commit(context, mode, self._tell)

    async def __call__(self, *outcomes: Outcome) -> list[Told]:
        await self._commit(outcomes)
        return self._said()

    async def brought(self, batch: Brought) -> list[Told]:
        await self._commit.brought(batch)
        return self._said()

    def agreed(self) -> Base:
        state = self.system.memory.folders.part("", "")
        return state.base or () if state else ()

    def _tell(self, events: Sequence[EventGroup]) -> None:
        for group in events:
            found = list(recorded(self.system.database, [group]))
            assert groups(found, group.cursor) == [group]
            self.told += found

    def _said(self) -> list[Told]:
        """What was told since the last call; the state holds the same."""
        told, self.told = self.told, []
        assert [row.event for row in Events(self.system.database).last(len(told))] == told
        return [(str(one.happened), one.path, one.size, one.details) for one in told]


@pytest.fixture(params=DIRECTIONS)
def commit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Committing]:
    made = Committing(tmp_path, request.param)
    yield made
    made.system.database.close()


@pytest.mark.parametrize("commit", [Mode.UPLOAD], indirect=True)
async def test_a_file_that_was_brought_over_is_told_with_all_that_was_measured(
    commit: Committing,
) -> None:
    measured = EventDetails(transfer="t1", hash="content", seconds=1.234568, lost=2, rtt_ms=30.5)
    assert await commit.brought(MOVED) == [("uploaded", "a", 5, measured)]
    assert (commit.report.files, commit.report.bytes, commit.report.acted) == (1, 5, True)
    assert commit.agreed() == (agree(ENTRY, FAR, "content"),)


@pytest.mark.parametrize("commit", [Mode.DOWNLOAD], indirect=True)
async def test_a_download_is_told_as_one(commit: Committing) -> None:
    assert [happened for happened, *_ in await commit.brought(MOVED)] == ["downloaded"]
    assert commit.agreed() == (agree(FAR, ENTRY, "content"),)


async def test_a_batch_is_recorded_as_its_files_would_be_one_by_one(
    commit: Committing, tmp_path: Path
) -> None:
    """Some have no hash yet, were there in part, or are links; one failed, one displaced a file."""
    link = Entry("l", LINK, 0, 3, 0o777, 4, 5, "", "a/target")
    sources = [ENTRY, Entry("b", FILE, 7, 8, 0o600, 9, 10, "known"), link, Entry("z", FILE)]
    actions = [
        Action(Op.PUT, one.name, one, FAR if one.name == "b" else None, "new", one.name == "b")
        for one in sources
    ]
    receipts = [
        Receipt("done", 21, 22, 1, 0o644, "content"),
        Receipt("done", 23, 24, 8, 0o664, "", "trash/b"),
        Receipt("done", 25, 26, 3, 0o777),
        Receipt(Code.UNREADABLE, message="no"),
    ]
    tasks = [Task(action, f"t{number}") for number, action in enumerate(actions)]
    moved = Moved(2.0, None, None)
    together = await commit.brought(brought(tasks, receipts, moved, {"t0": 2}))
    alone = Committing(tmp_path / "alone", commit.system.rules.mode)
    one_by_one: list[Told] = []
    for task, receipt in zip(tasks, receipts, strict=True):
        one_by_one += await alone.brought(brought([task], [receipt], moved, {"t0": 2}))
    assert sorted(together, key=str) == sorted(one_by_one, key=str)
    assert len(together) == 5
    assert together[0][3].moved == 3
    assert together[1][3].moved is None
    assert commit.agreed() == alone.agreed()
    assert [(one.name, one.kind, one.hash, one.target) for one in commit.agreed()] == [
        ("a", FILE, "content", ""),
        ("b", FILE, "known", ""),
        ("l", LINK, "", "a/target"),
    ]
    assert (commit.report.files, commit.report.errors) == (3, 1)
    alone.system.database.close()


async def test_a_file_that_arrived_before_its_run_was_cut_has_no_time_of_its_own(
    commit: Committing,
) -> None:
    adopted = Outcome(Action(Op.ADOPT, "a", ENTRY, FAR), ENTRY, FAR, "content", transfer="t1")
    [(happened, _, _, details)] = await commit(adopted)
    assert happened.endswith("loaded")
    assert (details.transfer, details.seconds) == ("t1", None)


async def test_what_is_equal_is_adopted_and_only_files_are_told(commit: Committing) -> None:
    folder = Entry("f", FOLDER)
    outcomes = [
        Outcome(Action(Op.ADOPT, "a", ENTRY, FAR), ENTRY, FAR, "content"),
        Outcome(Action(Op.ADOPT, "f", folder, folder), folder, folder),
    ]
    assert await commit(*outcomes) == [("adopted", "a", 5, EventDetails(hash="content"))]
    assert not commit.report.acted


async def test_a_deletion_is_told_once_and_something_was_done(commit: Committing) -> None:
    deleted = Outcome(Action(Op.DELETE, "a", expected=FAR, drifted=True), displaced="trash/a")
    assert await commit(deleted) == [("deleted", "a", 5, EventDetails(displaced="trash/a"))]
    assert (commit.report.acted, commit.report.files) == (True, 0)


async def test_what_a_drifted_destination_loses_is_told(commit: Committing) -> None:
    for drifted, told in ((True, ["displaced"]), (False, [])):
        action = PUT._replace(expected=FAR, drifted=drifted)
        displaced = RECEIPT._replace(displaced="trash/a")
        happened = await commit.brought(
            MOVED._replace(done=[Task(action, "t1")], receipts=[displaced])
        )
        assert [(one, details.displaced) for one, _, _, details in happened[1:]] == [
            (one, "trash/a") for one in told
        ]


async def test_a_drifted_file_that_is_kept_is_told_and_one_that_is_forgotten_is_not(
    commit: Committing,
) -> None:
    kept = Action(Op.FORGET, "a", expected=FAR, why="gone at the source, kept here", drifted=True)
    forgotten = Action(Op.FORGET, "b", why="gone at the source")
    assert await commit(Outcome(kept), Outcome(forgotten)) == [
        ("kept", "a", 5, EventDetails("gone at the source, kept here")),
    ]
    assert not commit.report.acted


async def test_a_full_disk_fails_the_file(commit: Committing) -> None:
    full = Problem(Code.DISK_FULL, "7 bytes are free", "a")
    [(happened, path, size, details)] = await commit(Outcome(PUT, problem=full, transfer="t1"))
    assert (happened, path, size) == ("failed", "a", 5)
    assert details == EventDetails(str(full), "disk_full", "t1")
    assert (commit.report.errors, commit.report.acted, commit.report.held) == (1, False, "")
