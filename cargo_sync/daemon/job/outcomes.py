"""What a supervisor knows about the looks that ended: the last result, what fails, what is held."""

from dataclasses import dataclass, replace
from typing import Final

from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.job.status import Cause, HeldStatus
from cargo_sync.engine.report import RunReport
from cargo_sync.engine.run import Run
from cargo_sync.machines.looks import FOLDER_AWAY, LookResult, retry_after
from cargo_sync.machines.retry import Failures
from cargo_sync.machines.room import PROBE
from cargo_sync.model.jobs import LastRun
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import FENCES, Code, Problem
from cargo_sync.model.world import World
from cargo_sync.plan.guard import SHOWN

_CAUSES: Final = 100
_FULL: Final = Code.DISK_FULL


@dataclass(frozen=True, slots=True)
class WorkDone:
    """What a job transferred since it was last idle; `since` is when that began, unix seconds."""

    files: int
    bytes: int
    since: float


class JobOutcomes:
    """The results of one job's looks so far.

    look      how the last look ended; None if the next one must begin at once
    looked    a look has ended normally since the daemon started
    held      why the job is held, or ""
    last_run  the last run that did something or failed
    succeeded_at  when a look last ended with nothing failing or held, unix seconds; None if it is
              not known. The state has it only of looks that did something: after a restart it may
              be earlier than the last one
    drifted   files that the destination did not have as they were delivered, at the last look
    released  the last look was the first that the guard did not hold any more
    unseen    what the last look could not read or had to leave out, as far as it is new
    seen      paths that it could read again
    recovered the last look was the first without a failure after one with failures
    advanced  the last look failed as a whole, but got somewhere
    reached   a look has reached both sides since the daemon started
    """

    def __init__(
        self,
        settings: JobSettings,
        failures: Failures,
        world: World,
        last_run: LastRun | None,
    ) -> None:
        self.look: LookResult | None = None
        self.looked = False
        self.held = ""
        self.drifted = 0
        self.last_run = last_run
        self.succeeded_at: float | None = None
        if last_run is not None and not (last_run.problem or last_run.errors):
            self.succeeded_at = last_run.ended
        self.released = False
        self.recovered = False
        self.advanced = False
        self.reached = False
        self.unseen: list[Problem] = []
        self.seen: list[str] = []
        self._settings = settings
        self._failures = failures
        self._world = world
        self._now: Run | None = None
        self._report: RunReport | None = None
        self._trouble: Problem | None = None
        self._tries = 0
        self._reported = ""
        self._unread: dict[str, str] = {}
        """The code of each path that the last look could not read or had to leave out."""
        self._waited = False
        self._skipped = (0, "")
        self._links = 0
        self._noticed: set[str] = set()
        self._fence: Code | None = None
        self._work: WorkDone | None = None

    # -- the supervisor reports --------------------------------------------------------------------

    def begin(self, run: Run) -> None:
        self._now, self.unseen, self.seen = run, [], []

    def forget_look(self) -> None:
        """The next look begins at once."""
        self.look = None

    def stopped(self, run: Run) -> None:
        """A command, a reload or the end of the window stopped a look."""
        self._now = None
        self._count(run.report)
        self._remember(run)

    def ended(self, run: Run) -> None:
        """A look ended normally."""
        self._now, report = None, run.report
        self._count(report)
        self.released = self.approvable and not report.approvable
        self._trouble, self._tries, self._fence, self.advanced = None, 0, None, False
        self._report, self.looked, self.drifted = report, True, report.drifted
        self._look_around(report)
        self.held = report.held
        self.recovered = self._failed_last and not self.errors
        self.look = LookResult(
            self._world.steady(),
            report.surveyed,
            report.whole,
            report.again_in,
            self._failures.next_at(),
            full=bool(report.full),
        )
        if not (report.held or self.errors):
            self.succeeded_at = report.ended or self._world.wall()
        if report.acted or report.errors or report.held or self.released or self.recovered:
            self._remember(run)

    def _look_around(self, report: RunReport) -> None:
        """Finds what is new about the folders and names that could not be read."""
        unread = {one.path: one.code_text for one in (*report.missed, *report.left_out)}
        begins_to_wait = report.waiting > 0 and not self._waited
        for one in report.missed:
            if begins_to_wait or self._unread.get(one.path) != one.code_text:
                self.unseen.append(_waited_for(one, report.waiting))
        self.unseen += [
            one for one in report.left_out if self._unread.get(one.path) != one.code_text
        ]
        self.seen = [path for path in self._unread if path not in unread]
        self._unread, self._waited = unread, report.waiting > 0

    def failed(self, run: Run, problem: Problem) -> None:
        """A look ended early, with a problem of the job as a whole."""
        self._now, self._trouble, self.recovered = None, problem, False
        self._count(run.report)
        # A run that made progress before it was cut starts a new row of failures: the next try
        # comes soon.
        self.advanced = run.report.advanced
        self._tries = 1 if self.advanced else self._tries + 1
        full = problem.code == _FULL
        self._fence = problem.code if problem.code in FENCES else None
        self.held = str(problem) if full or self._fence else ""
        wait = PROBE if full else retry_after(problem, self._tries, self._world.chance())
        now = self._world.steady()
        self.look = LookResult(now, retry_at=now + wait)
        self._remember(run, problem)

    def news(self) -> str | None:
        """Why the job is held or fails as a whole, if that changed since the last call."""
        now = self._reason()
        reported, self._reported = self._reported, now
        return (self.held or str(self._trouble)) if now and now != reported else None

    def skipped(self) -> str | None:
        """What the last look skipped as Cargo's own, if that changed since the last call."""
        report = self._report
        now = (report.reserved, report.first_reserved) if report is not None else (0, "")
        said, self._skipped = self._skipped, now
        if not now[0] or now == said:
            return None
        more = f", and {now[0] - 1:,} more" if now[0] > 1 else ""
        return f"{now[1]!r} is skipped{more}: the name {RESERVED} belongs to Cargo"

    def links(self) -> str | None:
        """Which symbolic links the last look left out, if that is not what was said last."""
        report = self._report
        if report is None or not report.links or report.links == self._links:
            return None
        self._links = report.links
        more = f", and {report.links - 1:,} more" if report.links > 1 else ""
        return f"{report.first_link!r} is left out{more}: this server keeps no symbolic links"

    def notices(self) -> list[str]:
        """What is said about files although nothing failed, as sentences, each when it is new."""
        now = {str(one) for one in self._report.notices} if self._report is not None else set()
        new, self._noticed = now - self._noticed, now
        return sorted(new)

    def _reason(self) -> str:
        """The reason without the figures that change from look to look; "" if there is none."""
        if self.held and self.approvable and self._trouble is None:
            # Told again when it has become twice as much, not whenever one more file waits.
            waiting = self._report.deletions + self._report.overwrites if self._report else 0
            return f"held {waiting.bit_length()}"
        if self.held:
            return self._fence or _FULL
        return f"{self._trouble.code_text} {self._trouble.path}" if self._trouble else ""

    def rested(self) -> WorkDone | None:
        """What was transferred since the job was last idle, if the job is idle now; else None.

        A job is idle if nothing fails, is held or is still being written.
        """
        if self.held or self.errors or self.unsettled:
            return None
        work, self._work = self._work, None
        return work

    @property
    def _failed_last(self) -> bool:
        last = self.last_run
        return last is not None and bool(last.problem or last.errors)

    def _count(self, report: RunReport) -> None:
        self.reached |= report.reached
        if report.acted:
            before = self._work or WorkDone(0, 0, report.started)
            self._work = WorkDone(
                before.files + report.files, before.bytes + report.bytes, before.since
            )

    def _remember(self, run: Run, problem: Problem | None = None) -> None:
        report = run.report
        self.last_run = LastRun(
            report.run,
            report.started,
            report.ended or self._world.wall(),
            report.files,
            report.bytes,
            report.errors,
            str(problem) if problem else "",
            report.downloaded if self._settings.mode == "bidirectional" else None,
        )

    # -- what others read --------------------------------------------------------------------------

    @property
    def moving(self) -> bool:
        """A look is running and has files to move or to compare, so both sides could be reached."""
        if self._now is None:
            return False
        return self._now.progress.files_total > 0 or self._now.progress.reading is not None

    @property
    def unsettled(self) -> bool:
        """Some files are not copied yet, because they still change."""
        return (
            self._report is not None and self._report.again_in is not None and self._trouble is None
        )

    @property
    def approvable(self) -> bool:
        """A person may approve what is held."""
        return self._fence is not None or (self._report is not None and self._report.approvable)

    @property
    def approvals(self) -> frozenset[Code]:
        """What a person may approve besides what the guard holds.

        DAMAGED: source files that an unclean stop has damaged are sent as they are. One of FENCES:
        both sides are compared afresh.
        """
        fence = frozenset[Code]() if self._fence is None else frozenset({self._fence})
        if self._settings.mode != "download" and self._failures.has(Code.DAMAGED):
            return fence | {Code.DAMAGED}
        return fence

    @property
    def errors(self) -> int:
        """How many files, names and folders fail; a failure of the whole job counts as one."""
        if self._present_trouble is not None:
            return 1 + len(self._failures)
        if self._report is None:
            return len(self._failures)
        if not self._report.problems:
            return max(self._report.errors, len(self._failures))
        return max(self._report.errors, len(self._failures) + len(self._unlisted(self._report)))

    @property
    def is_away(self) -> bool:
        """The last look found that a folder of the job is not there."""
        return self._trouble is not None and self._trouble.code in FOLDER_AWAY

    @property
    def code(self) -> str:
        """The code of the problem of the job as a whole; "" if there is none."""
        return self._present_trouble.code_text if self._present_trouble is not None else ""

    def detail(self) -> str:
        """A sentence for people about the state; "" if all is well.

        What the guard holds is only named here: `waits` says the rest.
        """
        if self.held:
            return self._brief() or self.held
        if self._present_trouble is not None:
            return str(self._present_trouble)
        first = next(iter(self.causes()), None)
        if first is None:
            still = "some files still change" if self.unsettled and not self.moving else ""
            return still or self._reading()
        more = self.errors - 1
        text = first.message if more < 1 else f"{first.message}, and {more:,} more"
        waiting = self._report.waiting if self._report is not None else 0
        if not waiting:
            return text
        return f"{text}; {_steps(waiting)} until every folder can be read or is excluded"

    def _reading(self) -> str:
        """What takes long although nothing moves; "" if nothing does."""
        step = self._now.progress.reading if self._now is not None else None
        if step is None or step.source is None:
            return ""
        size = f"{step.source.size / 1e6:,.0f} MB"
        return f"{step.path!r} ({size}) is read: perhaps only its time or mode changed"

    def causes(self) -> list[Cause]:
        """The first of what fails: the job as a whole, then files, the oldest failure first."""
        wall = self._world.wall() - self._world.steady()
        found = []
        if (trouble := self._present_trouble) is not None:
            at = self.look.retry_at if self.look else None
            again = None if at is None else wall + at
            found.append(Cause("", str(trouble), trouble.code_text, self._tries, again))
        found += [
            Cause(
                one.path,
                str(one.problem),
                one.problem.code_text,
                one.tries,
                None if one.next_at is None else wall + one.next_at,
            )
            for one in self._failures.first(_CAUSES)
        ]
        if self._report is not None:
            found += [
                Cause(problem.path, str(problem), problem.code_text)
                for problem in self._unlisted(self._report)
            ]
        return found[:_CAUSES]

    def again_at(self, look: float) -> float | None:
        """When what fails is tried again, on the steady clock; None if it all waits for a person.

        Args:
            look: when the next look is due.
        """
        if self._trouble is not None or not len(self._failures):
            return look
        if self._report is not None and self._unlisted(self._report):
            return look
        due = self._failures.next_at()
        return None if due is None else max(look, due)

    def again_in(self) -> float | None:
        """Seconds until files that the last look left, or that failed, may be ready; or None."""
        if self.look is None or self._report is None:
            return None
        now = self._world.steady()
        due = [self.look.due - now] if self.look.due is not None else []
        if self.look.again_in is not None:
            due.append(self.look.ended + self.look.again_in - now)
        return max(0.0, min(due)) if due else None

    def waits(self) -> HeldStatus | None:
        """What the guard holds, or None."""
        if self._fence is not None or self._report is None or not self._report.approvable:
            return None
        holds = self._report.holds.values()
        return HeldStatus(
            self._report.deletions,
            self._report.overwrites,
            max(held.tree for held in holds),
            sum(held.before for held in holds),
            tuple(path for held in holds for path in held.first)[:SHOWN],
            tuple(held.id for held in holds),
            " and ".join(held.where for held in holds if held.where),
            "; ".join(map(str, holds)),
        )

    def _brief(self) -> str:
        """What the guard holds, in few words; "" if the job is held for another reason."""
        report = self._report
        if self._fence is not None or self._trouble or report is None or not report.holds:
            return ""
        return f"{'; '.join(held.brief for held in report.holds.values())}: see `job show`"

    @property
    def _present_trouble(self) -> Problem | None:
        """Why the job fails as a whole; None once files move again."""
        return None if self.moving else self._trouble

    def _unlisted(self, report: RunReport) -> list[Problem]:
        """Problems of the last look, without those of files that have a retry of their own."""
        return [problem for problem in report.problems if not self._failures.knows(problem.path)]


def _waited_for(problem: Problem, waiting: int) -> Problem:
    """The problem of a folder that could not be read, with what waits for it."""
    if not waiting:
        return problem
    waits = f"{_steps(waiting)} until it can be read or is excluded"
    return replace(problem, message=f"{problem.message}; {waits}")


def _steps(waiting: int) -> str:
    one = waiting == 1
    return (
        f"{waiting:,} deletion or replacement waits"
        if one
        else f"{waiting:,} deletions and replacements wait"
    )
