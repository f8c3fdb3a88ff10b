"""What is stored for outcomes: the events with all their details, and the report."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cargo_sync.engine.commit import Commit
from cargo_sync.engine.context import RunContext
from cargo_sync.engine.report import Progress, RunReport
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.events import Event, EventDetails
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from tests.engine.world import System

ENTRY = Entry("a", FILE, 5, 1, 0o644, 1, 1)
FAR = ENTRY._replace(ident=9)
PUT = Action(Op.PUT, "a", ENTRY)
MOVED = Outcome(PUT, ENTRY, FAR, "content", transfer="t1", seconds=1.23456789, lost=2, rtt_ms=30.5)


class Committing:
    """One run of a job that gets outcomes; `told` has its events."""

    def __init__(self, state: Path, mode: Mode) -> None:
        self.system = System(state, mode)
        self.report = RunReport("run", 0.0)
        self.told: list[Event] = []
        context = RunContext(
            self.system.rules, self.system.memory, self.system.world(), self.report, Progress()
        )
        self._commit = Commit(context, lambda events, _cursor: self.told.extend(events))

    async def __call__(self, *outcomes: Outcome) -> list[tuple[str, str, int, EventDetails]]:
        self.told.clear()
        await self._commit(outcomes)
        return [(str(one.happened), one.path, one.size, one.details) for one in self.told]


@pytest.fixture(params=list(Mode))
def commit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Committing]:
    made = Committing(tmp_path, request.param)
    yield made
    made.system.database.close()


@pytest.mark.parametrize("commit", [Mode.UPLOAD], indirect=True)
async def test_a_file_that_was_brought_over_is_told_with_all_that_was_measured(
    commit: Committing,
) -> None:
    measured = EventDetails(transfer="t1", hash="content", seconds=1.234568, lost=2, rtt_ms=30.5)
    assert await commit(MOVED) == [("uploaded", "a", 5, measured)]
    assert (commit.report.files, commit.report.bytes, commit.report.acted) == (1, 5, True)


@pytest.mark.parametrize("commit", [Mode.DOWNLOAD], indirect=True)
async def test_a_download_is_told_as_one(commit: Committing) -> None:
    assert [happened for happened, *_ in await commit(MOVED)] == ["downloaded"]


async def test_a_file_that_arrived_before_its_run_was_cut_has_no_time_of_its_own(
    commit: Committing,
) -> None:
    adopted = replace(MOVED, action=Action(Op.ADOPT, "a", ENTRY, FAR), seconds=7.0)
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
        action = replace(PUT, expected=FAR, drifted=drifted)
        happened = await commit(replace(MOVED, action=action, displaced="trash/a"))
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
