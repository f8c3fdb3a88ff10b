"""What is reported about ended looks: each thing once."""

from types import SimpleNamespace
from typing import cast

import pytest

from cargo_sync.daemon.job.outcomes import JobOutcomes
from cargo_sync.engine.report import RunProgress, RunReport
from cargo_sync.engine.run import Run
from cargo_sync.machines.retry import Failures
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.jobs import LastRun, Mode
from cargo_sync.model.paths import reserved_name
from cargo_sync.model.problems import Code, Problem, bad_time, server_restored
from cargo_sync.model.world import World
from tests.daemon.house import settings
from tests.offloads import inline


class Looks:
    """The outcomes of a job that gets one look after the other."""

    def __init__(self, last: LastRun | None = None) -> None:
        self.failures = Failures()
        self.clock = 100.0
        world = World(
            lambda: self.clock, lambda: 0.0, lambda: 0.5, lambda: "t", inline, lambda: 0.0
        )
        self.outcomes = JobOutcomes(settings("nightly"), self.failures, world, last)

    def ended(self, *problems: Problem) -> str | None:
        report = RunReport("run", 0.0)
        for problem in problems:
            self.failures.failed(problem.path, problem, 0.0, 0.5)
            report.failed_alone(problem)
            if problem.code == "disk_full":
                report.fill(problem)
        self.outcomes.ended(cast(Run, SimpleNamespace(report=report)))
        return self.outcomes.news()

    def surveyed(self, *missed: str, waiting: int = 0) -> tuple[list[str], list[str]]:
        """The messages about what a look could not read, and what it can read again."""
        report = RunReport("run", 0.0, waiting=waiting)
        for path in missed:
            report.miss(Problem(Code.UNREADABLE, f"{path} cannot be read", path))
        run = cast(Run, SimpleNamespace(report=report))
        self.outcomes.begin(run)
        self.outcomes.ended(run)
        return [one.message for one in self.outcomes.unseen], self.outcomes.seen

    def failed(self, problem: Problem, *, advanced: bool = False) -> str | None:
        report = RunReport("run", 0.0, advanced=advanced)
        self.outcomes.failed(cast(Run, SimpleNamespace(report=report)), problem)
        return self.outcomes.news()

    def last(self) -> tuple[str, int, bool]:
        """Problem and errors of the last run, and whether the job has just recovered."""
        run = self.outcomes.last_run
        assert run is not None
        return run.problem, run.errors, self.outcomes.recovered

    def cut(self, *, advanced: bool) -> float | None:
        """Seconds until the next look after a look that was cut."""
        self.failed(Problem(Code.CUT, "it was cut"), advanced=advanced)
        assert self.outcomes.look is not None
        return self.outcomes.look.retry_at


def test_what_is_skipped_as_cargos_own_is_said_once() -> None:
    looks = Looks()

    def skipped(*names: str) -> str | None:
        report = RunReport("run", 0.0)
        report.leave_out(reserved_name(name) for name in names)
        looks.outcomes.ended(cast(Run, SimpleNamespace(report=report)))
        assert looks.outcomes.errors == 0
        return looks.outcomes.skipped()

    words = "'a/.cargo_sync' is skipped: the name .cargo_sync belongs to Cargo"
    assert [skipped("a/.cargo_sync") for _ in range(3)] == [words, None, None]
    assert "skipped, and 1 more: " in (skipped("a/.cargo_sync", "b/.CARGO_SYNC") or "")
    assert [skipped(), skipped("a/.cargo_sync")] == [None, words]


def test_links_that_a_server_cannot_keep_are_said_once() -> None:
    looks = Looks()

    def said(*links: str) -> str | None:
        report = RunReport("run", 0.0)
        for path in links:
            report.leave_out_link(path)
        looks.outcomes.ended(cast(Run, SimpleNamespace(report=report)))
        assert looks.outcomes.errors == 0
        return looks.outcomes.links()

    words = "'a' is left out, and 1 more: this server keeps no symbolic links"
    assert [said("a", "b"), said("a", "b"), said(), said("a", "b")] == [words, None, None, None]
    assert said("c") == "'c' is left out: this server keeps no symbolic links"


def test_a_file_whose_copies_get_another_time_is_named_once() -> None:
    looks = Looks()

    def retimed(*names: str) -> list[str]:
        report = RunReport("run", 0.0)
        report.leave_out(bad_time(name, 2**64, 2**63 - 1) for name in names)
        looks.outcomes.ended(cast(Run, SimpleNamespace(report=report)))
        assert looks.outcomes.errors == 0
        return looks.outcomes.notices()

    [said] = retimed("a")
    assert said == (
        "'a' has the time 2554-07-21 23:34:33 UTC; its copies get the nearest possible one, "
        "2262-04-11 23:47:16 UTC"
    )
    assert retimed("a") == []
    assert [said[:3] for said in retimed("a", "b")] == ["'b'"]
    assert retimed() == []
    assert len(retimed("a")) == 1
    assert "'x' has the time 1,000,000,000,000 s after 1970;" in str(bad_time("x", 10**21, 0))


def test_a_socket_or_a_pipe_is_named_once_and_is_no_failure() -> None:
    looks = Looks()

    def left_out() -> list[str]:
        report = RunReport("run", 0.0)
        report.leave_out([Problem(Code.SPECIAL, "'S.agent' is a socket", path="S.agent")])
        looks.outcomes.ended(cast(Run, SimpleNamespace(report=report)))
        assert (looks.outcomes.errors, looks.outcomes.unseen) == (0, [])
        return looks.outcomes.notices()

    assert [left_out() for _ in range(3)] == [["'S.agent' is a socket"], [], []]


def full(left: int) -> Problem:
    return Problem(Code.DISK_FULL, f"{left} bytes are free", "film.mov")


def test_a_full_disk_is_told_once_whatever_is_free_until_there_was_room() -> None:
    looks = Looks()
    assert looks.ended(full(7)) == str(full(7))
    assert looks.ended(full(5)) is None
    assert looks.outcomes.held == str(full(5))
    assert looks.ended() is None
    assert looks.outcomes.held == ""
    assert looks.ended(full(2)) == str(full(2))


def test_a_failure_of_the_job_is_told_once_by_its_kind() -> None:
    looks = Looks()
    assert looks.failed(Problem(Code.THROTTLED, "try again in 20 s")) == "try again in 20 s"
    assert looks.failed(Problem(Code.THROTTLED, "try again in 40 s")) is None
    assert looks.failed(Problem(Code.UNREACHABLE, "nobody answers")) == "nobody answers"
    assert looks.ended() is None
    assert looks.failed(Problem(Code.UNREACHABLE, "nobody answers")) == "nobody answers"


def test_a_restored_server_holds_the_job_until_it_is_met_as_before() -> None:
    looks = Looks()
    restored = server_restored("nightly", "the server was restored")
    assert looks.failed(restored) == str(restored)
    assert looks.failed(restored) is None
    outcomes = looks.outcomes
    assert (outcomes.held, outcomes.code) == (str(restored), "server_restored")
    assert outcomes.approvals == {Code.SERVER_RESTORED} and outcomes.waits() is None
    assert looks.ended() is None
    assert outcomes.released and not (outcomes.held or outcomes.approvable or outcomes.approvals)


def test_what_got_somewhere_before_it_was_cut_is_tried_again_soon() -> None:
    looks = Looks()
    waits = [looks.cut(advanced=advanced) for advanced in (False, False, False, True, False)]
    assert waits == [0.75, 1.5, 3.0, 0.75, 1.5]


def test_the_last_run_of_a_job_that_works_again_is_no_failure() -> None:
    looks = Looks()
    lost = Problem(Code.VANISHED, "gone", "film.mov")
    looks.failed(Problem(Code.UNREACHABLE, "nobody answers"))
    looks.ended()
    assert looks.last() == ("", 0, True)
    looks.ended()
    assert looks.last() == ("", 0, False), "it is told once"
    looks.ended(lost)
    assert looks.last() == ("", 1, False)
    looks.ended()
    assert looks.last() == ("", 1, False), "the file was not due: it still fails"
    looks.failures.succeeded("film.mov")
    looks.ended()
    assert looks.last() == ("", 0, True)


def test_a_success_is_a_look_after_which_nothing_fails_whether_or_not_it_moved_files() -> None:
    looks = Looks()
    assert looks.outcomes.succeeded_at is None
    looks.failed(Problem(Code.UNREACHABLE, "nobody answers"))
    looks.ended(Problem(Code.VANISHED, "gone", "film.mov"))
    assert looks.outcomes.succeeded_at is None
    looks.failures.succeeded("film.mov")
    looks.clock += 7
    looks.ended()
    first = looks.outcomes.succeeded_at
    assert first == looks.clock
    looks.clock += 5
    looks.ended()
    assert looks.outcomes.succeeded_at == first + 5, "it did nothing, and all is well"
    looks.ended(Problem(Code.VANISHED, "gone", "film.mov"))
    assert looks.outcomes.succeeded_at == first + 5


@pytest.mark.parametrize(
    ("last", "at"),
    [
        (LastRun("run", 1.0, 2.0, 3), 2.0),
        (LastRun("run", 1.0, 2.0, 3, errors=1), None),
        (LastRun("run", 1.0, 2.0, problem="nobody answers"), None),
        (None, None),
    ],
)
def test_after_a_restart_the_last_run_says_when_all_was_well(
    last: LastRun | None, at: float | None
) -> None:
    assert Looks(last).outcomes.succeeded_at == at


def test_a_folder_that_cannot_be_read_is_told_once_and_again_if_deletions_wait_for_it() -> None:
    looks = Looks()
    assert looks.surveyed("a") == (["a cannot be read"], [])
    assert looks.surveyed("a") == ([], [])
    assert looks.surveyed("a", "b") == (["b cannot be read"], [])
    assert looks.surveyed("a", waiting=2) == (
        ["a cannot be read; 2 deletions and replacements wait until it can be read or is excluded"],
        ["b"],
    )
    assert looks.outcomes.detail() == (
        "a cannot be read; 2 deletions and replacements wait "
        "until every folder can be read or is excluded"
    )
    assert looks.surveyed("a", waiting=3) == ([], [])
    assert looks.surveyed() == ([], ["a"])
    assert looks.surveyed("a") == (["a cannot be read"], [])
    assert looks.outcomes.detail() == "a cannot be read"


def test_a_folder_that_is_away_is_known() -> None:
    looks = Looks()
    for code in (Code.VANISHED, Code.ROOT_GONE, Code.ROOT_REPLACED, Code.MARKER_LOST):
        looks.failed(Problem(code, "not there"))
        assert looks.outcomes.is_away
        assert looks.outcomes.code == code
    looks.failed(Problem(Code.UNREACHABLE, "nobody answers"))
    assert not looks.outcomes.is_away
    looks.ended()
    assert (looks.outcomes.is_away, looks.outcomes.code) == (False, "")


def test_a_large_file_that_is_read_because_of_its_time_is_named() -> None:
    looks = Looks()
    progress = RunProgress()
    run = cast(Run, SimpleNamespace(report=RunReport("run", 0.0), progress=progress))
    looks.outcomes.begin(run)
    assert (looks.outcomes.moving, looks.outcomes.detail()) == (False, "")
    source = Entry("a", FILE, 250 * 10**6)
    progress.of(Mode.UPLOAD).reading = Action(Op.META, "d/a", source)
    assert looks.outcomes.moving
    words = "'d/a' (250 MB) is read: perhaps only its time or mode changed"
    assert looks.outcomes.detail() == words
    progress.of(Mode.UPLOAD).reading = None
    assert (looks.outcomes.moving, looks.outcomes.detail()) == (False, "")
