"""One job's loop: look -> run -> wait.

It makes no decisions itself: machines/looks decides when to look, the engine what to do, and
machines/job_state what the state is called.

Commands only change what is wanted and set the wakeup. The loop does one thing at a time: a
preview, a run, or waiting. So a pause, a reload or a second command can come at any moment.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.job.following import follow_hours, follow_speed
from cargo_sync.daemon.job.limits import JobLimits
from cargo_sync.daemon.job.local_hints import NearFolder, NearHints, WatchFolder
from cargo_sync.daemon.job.outcomes import JobOutcomes
from cargo_sync.daemon.job.previews import Previews
from cargo_sync.daemon.job.remote_hints import hear_far
from cargo_sync.engine.context import JobMemory
from cargo_sync.engine.execution.differences import SideComparison
from cargo_sync.engine.run import Run
from cargo_sync.lanes.figures import Figures
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.machines.job_state import Facts, JobState, job_state
from cargo_sync.machines.looks import next_look
from cargo_sync.model.conflicts import ConflictPolicy
from cargo_sync.model.displaced import FreedVersions, Restored, TrashFilter
from cargo_sync.model.events import Event, EventDetails, EventGroup, Happened, Moment, groups
from cargo_sync.model.jobs import After, GuardRules, Mode, Rules
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.tasks import lasting
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.holds import Ruling
from cargo_sync.state.jobs import JobRow
from cargo_sync.trees.contract import FarTree, NearTree
from cargo_sync.trees.trash import FarTrash

_log = logging.getLogger(__name__)


class NearTrash(Protocol):
    """The trash of the local folder, where it can be changed. Calls raise ProblemError."""

    async def restore(
        self, ids: Sequence[int], to: str, run: str, inside: str = ""
    ) -> list[Restored | Problem]:
        """Restores versions, to their places or below the folder `to`; one result per id.

        Unless `inside` is "", only what has this path in the folders that the versions are.
        """

    async def free(self, ids: Sequence[int]) -> FreedVersions:
        """Removes versions for good."""

    async def free_all(self, wanted: TrashFilter) -> FreedVersions:
        """Removes what the filter wants for good."""


@dataclass(frozen=True, slots=True)
class JobTrashes:
    """The trash of both sides of a job: what lies in the local one is in `ledger`.

    far  None if what lies there cannot be listed
    """

    near: NearTrash
    ledger: TrashLedger
    far: FarTrash | None


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a job.

    watch    begins to watch the near side
    figures  figures of the open flows, by direction
    trash    of both sides
    afresh   forgets that the server refused a login lately: a person's command is a reason to try
             again
    lacks    sentences about what the server cannot do, as far as it was looked at
    """

    near: NearTree
    far: FarTree
    figures: Callable[[], Mapping[Mode, Figures]]
    watch: WatchFolder
    afresh: Callable[[], None]
    trash: JobTrashes
    lacks: Callable[[], Sequence[str]] = tuple


class _Ordered(NamedTuple):
    """A look that a person ordered; see `Supervisor.sync`."""

    run: Run
    approved: frozenset[Code]
    again: str


class Listener:
    """Hears what happens to jobs. A subclass overrides what it needs. No call may block."""

    def happened(self, events: Sequence[EventGroup]) -> None:
        """These events are recorded."""
        return

    def changed(self, job: "Supervisor") -> None:
        """The state of a job may have changed."""
        return

    def looked(self, job: "Supervisor", run: str) -> None:
        """A look has ended, and what it came to is stored; `run` is its id."""
        return

    def removed(self, name: str) -> None:
        """The job of this name was removed."""
        return


def rules(settings: JobSettings) -> Rules:
    """The part of a job's settings that a run needs."""
    guard = settings.guard
    return Rules(
        name=settings.name,
        mode=Mode(settings.mode),
        propagate=settings.delete == "propagate",
        after=After(settings.after_transfer),
        move_to=settings.move_to or "",
        settle=settings.settle,
        include=settings.include,
        exclude=settings.exclude,
        trash_days=settings.trash_days,
        trash_max=settings.trash_max,
        guard=None if guard is None else GuardRules(guard.share, guard.at_least, guard.window),
        speed=settings.speed,
        tell=frozenset(Moment(event.event) for event in settings.events),
        conflicts=ConflictPolicy(settings.conflicts),
        xattrs=settings.xattrs,
    )


class Supervisor:
    """One job with fixed settings; when they change, another supervisor takes its place.

    row       what the state remembers about the job
    bounds    when it may move files, and how fast
    outdated  why its file cannot be used now, so that the old settings hold; or ""
    previews  those that were ordered, and why the last ones failed
    """

    def __init__(
        self,
        settings: JobSettings,
        sides: Sides,
        memory: JobMemory,
        row: JobRow,
        world: World,
        listener: Listener,
        bounds: JobLimits,
    ) -> None:
        self.settings = settings
        self.sides = sides
        self.bounds = bounds
        self.outcomes = JobOutcomes(settings, memory.failures, world, row.last_run)
        self.run_now: Run | None = None
        self.paused = row.paused
        self.outdated = ""
        self.previews = Previews()
        self._rules = rules(settings)
        self._memory = memory
        self._world = world
        self._listener = listener
        self._task: asyncio.Task[None] | None = None
        watched = settings.watch and self._rules.mode.sends
        hints = NearHints(sides.watch, self._near_hint) if watched else None
        self._near_folder = NearFolder(sides.near, hints)
        self._ordered: _Ordered | None = None
        self._hinted: float | None = None
        self._wakeup = Wakeup()
        self._seen = Wakeup()

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def conflicts(self) -> int:
        """How many conflicts are open."""
        return self._memory.conflicts.open

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the job, besides its state."""
        watching = self._near_folder.note
        outdated = f"the old settings hold: {self.outdated}" if self.outdated else ""
        return (*self.settings.warnings, *filter(None, (outdated, watching)))

    def __repr__(self) -> str:
        return f"<Supervisor of {self.name!r}: {self.state}>"

    # -- status ------------------------------------------------------------------------------------

    @property
    def facts(self) -> Facts:
        return Facts(
            enabled=self.settings.enabled,
            paused=self.paused,
            held="" if self._moves_again else self.outcomes.held,
            in_window=self.bounds.hours.open,
            running=self.outcomes.moving or self.outcomes.unsettled,
            errors=self.outcomes.errors,
            looked=self.outcomes.looked,
        )

    @property
    def _moves_again(self) -> bool:
        """Files move now, so that what held the last run does not hold this one."""
        if not self.outcomes.held or self.outcomes.approvable or self.run_now is None:
            return False
        content = sum(figures.content for figures in self.sides.figures().values())
        return self.run_now.progress.files_done > 0 or content > 0

    @property
    def state(self) -> JobState:
        return job_state(self.facts)

    def next_at(self) -> float | None:
        """When the next look is due, on the steady clock.

        None during a look, or if only a command begins one.
        """
        if self.paused or not self.settings.enabled:
            return None
        if not self.bounds.hours.open:
            opening = self.bounds.hours.changes_at
            assert opening is not None, "a closed window opens within a day"
            return self._world.steady() + opening - self._world.wall()
        if self.run_now is not None:
            return None
        whole = not self._memory.scope.knows(self._world.steady())
        last, sleep = self.outcomes.look, self.settings.sleep
        return next_look(last, sleep, self._settle, self._hinted, whole=whole)

    # -- commands ----------------------------------------------------------------------------------

    async def pause(self) -> None:
        """Stops at a checkpoint, even within a file; the pause survives restarts.

        When this returns, the local folder is let go, unless its disk hangs or a preview uses it.
        """
        self.paused = True
        self._stop()
        self._wakeup.set()
        self._listener.changed(self)
        await self._world.offload(self._memory.jobs.set_paused, self.name, True)
        await self._near_folder.wait_free()

    async def start(self) -> None:
        """Ends a pause, and looks at once."""
        await self._world.offload(self._memory.jobs.set_paused, self.name, False)
        if self.paused:
            self.paused = False
            self.outcomes.forget_look()
        self.sides.afresh()
        self._listener.changed(self)
        self._wakeup.set()

    def sync(self, *, approved: Collection[Code] = (), again: str = "") -> str:
        """Orders a look as soon as the loop is free. Returns the id of its run.

        Args:
            approved: problems that a person has seen, as in `Run.execute`.
            again: a comparison: what differed is delivered again.
        """
        before, seen = self._ordered, frozenset(approved)
        if before is not None and before.approved >= seen and (before.again or not again):
            ordered = before
        else:
            seen |= before.approved if before is not None else frozenset()
            again = again or (before.again if before is not None else "")
            ordered = self._ordered = _Ordered(self._new_run(), seen, again)
        self._memory.scope.everything()
        self.sides.afresh()
        self._wakeup.set()
        return ordered.run.report.run

    def comparison(self) -> SideComparison:
        """A comparison of both sides; whoever asks for it runs it."""
        id = self._new_run().report.run
        near, far = self.sides.near, self.sides.far
        return SideComparison(id, self._rules, near, far, self._memory, self._world)

    async def decide(self, hold: str | None, ruling: Ruling) -> list[str]:
        """Stores a person's ruling about what the guard holds: the next look acts on it.

        Args:
            hold: its id; None for all that is held.
            ruling: what to do with it.

        Returns:
            The ids of what it is about; none if nothing like this is held.
        """
        return await self._world.offload(self._memory.holds.decide, hold, ruling)

    async def take_up(self) -> None:
        """Forgets which overwrites a person has rejected: they are planned again."""
        await self._world.offload(self._memory.holds.take_up)

    def plan(self) -> str:
        """Orders a preview as soon as the loop is free. Returns the id to ask for its plan with."""
        self.sides.afresh()
        self._wakeup.set()
        return self.previews.order(self._new_run())

    def _near_hint(self, folders: frozenset[str] | None) -> None:
        self._memory.scope.hinted(folders)
        self.hint()

    def hint(self) -> None:
        """Something may have changed on one side."""
        if self._hinted is None:
            self._hinted = self._world.steady()
            self._wakeup.set()

    def _far_hint(self) -> None:
        """Something may have changed on the server: that is no file that is still being written."""
        now = self._world.steady() - self._settle
        if self._hinted is None or now < self._hinted:
            self._hinted = now
            self._wakeup.set()

    @property
    def _settle(self) -> float:
        """Seconds for which a changed local file must be still."""
        return self.settings.settle if self._rules.mode.sends else 0.0

    def _stop(self) -> None:
        """Stops the current run, if there is one, at a checkpoint."""
        if self.run_now is not None and self._task is not None:
            self._task.cancel()

    # -- the loop ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Runs the loop until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                wanted = self.settings.enabled and self.settings.watch
                if wanted and self._rules.mode.receives:
                    group.create_task(
                        lasting(self._hear_far, "listening to the server", job=self.name)
                    )
                if self.bounds.hours.matter:
                    group.create_task(
                        follow_hours(self.bounds.hours, self.bounds.share, self._turned)
                    )
                group.create_task(follow_speed(self.bounds.share, self.sides.far, self.name))
                while True:
                    if self._may_look:
                        await self._near_folder.watch(away=self.outcomes.is_away)
                    else:
                        await self._near_folder.let_go()
                    needless = not self._rules.mode.sends
                    self._memory.scope.trust(needless or self._near_folder.hints_all)
                    work = self._next()
                    if work is None:
                        await self._wakeup.wait(self._patience())
                        continue
                    self._near_folder.use()
                    self._task = group.create_task(work)
                    await asyncio.wait({self._task})
                    self._task = None
        finally:
            await self._near_folder.close()
            await self.sides.far.close()

    def _next(self) -> Coroutine[Any, Any, None] | None:
        if (preview := self.previews.next()) is not None:
            return self._preview(preview)
        if not self._may_look:
            return None
        if self._ordered is not None:
            ordered, self._ordered = self._ordered, None
            # Not before: the look that ran when it was ordered may have put files off once more.
            self._memory.failures.expedite()
            return self._look(ordered.run, ordered.approved, ordered.again)
        at = self.next_at()
        if at is not None and at <= self._world.steady():
            return self._look(self._new_run())
        return None

    @property
    def _may_look(self) -> bool:
        return self.settings.enabled and not self.paused and self.bounds.hours.open

    def _patience(self) -> float | None:
        at = self.next_at() if self._may_look else None
        return None if at is None else max(0.0, at - self._world.steady())

    def _new_run(self) -> Run:
        return Run(
            self._rules,
            self.sides.near,
            self.sides.far,
            self._memory,
            self._world,
            self._listener.happened,
        )

    async def _look(self, run: Run, approved: Collection[Code] = (), again: str = "") -> None:
        """One run, however it ends. Raises only CancelledError."""
        if not self._may_look:
            return  # it was allowed when this task was created
        self.run_now, self._hinted = run, None
        self.outcomes.begin(run)
        try:
            await run.execute(approved=approved, again=again)
        except asyncio.CancelledError:
            self.outcomes.stopped(run)
            raise
        except ProblemError as error:
            self.outcomes.failed(run, error.problem)
        except Exception as error:
            self.outcomes.failed(run, self._unexpected(error))
        else:
            self.outcomes.ended(run)
            self._seen.set()
        finally:
            self.run_now = None
            self._listener.changed(self)
        await self._write_down(run)
        self._listener.looked(self, run.report.run)

    async def _preview(self, run: Run) -> None:
        problem = None
        try:
            await run.preview()
        except ProblemError as error:
            problem = error.problem
        except Exception as error:
            problem = self._unexpected(error)
        finally:
            self.previews.ended(run, problem)

    async def _write_down(self, run: Run) -> None:
        """Stores the last run, and events if the job is held, fails as a whole or is idle."""
        news = self.outcomes.news()
        if skipped := self.outcomes.skipped():
            _log.info("%s", skipped, extra={"job": self.name})
        if links := self.outcomes.links():
            _log.info("%s", links, extra={"job": self.name})
        for notice in self.outcomes.notices():
            _log.warning("%s", notice, extra={"job": self.name})
        if events := self._news(run, news):
            try:
                cursor = await self._world.offload(self._memory.folders.agree, [], events)
            except ProblemError as error:
                _log.error("an event cannot be stored: %s", error, extra={"job": self.name})
            else:
                self._listener.happened(groups(events, cursor))
        last, outcomes = self.outcomes.last_run, self.outcomes
        if outcomes.recovered:
            _log.info("nothing fails any more", extra={"job": self.name})
        changed = news is not None or outcomes.released or outcomes.recovered
        if last is not None and (run.report.acted or changed):
            try:
                await self._world.offload(self._memory.jobs.set_last_run, self.name, last)
            except ProblemError as error:
                _log.error("the last run cannot be stored: %s", error, extra={"job": self.name})

    def _news(self, run: Run, news: str | None) -> list[Event]:
        events: list[Event] = []
        wall = self._world.wall()
        if news is not None:
            happened = Happened.HELD if self.outcomes.held else Happened.FAILED
            details, report = EventDetails(news), run.report
            if self.outcomes.held and report.approvable:
                details = EventDetails(
                    news, deletions=report.deletions, overwrites=report.overwrites
                )
            events.append(self._rules.event(happened, wall, details=details))
            _log.warning("%s: %s", happened, news, extra={"job": self.name})
        for problem in self.outcomes.unseen:
            details = EventDetails(str(problem), problem.code_text)
            events.append(self._rules.event(Happened.FAILED, wall, problem.path, details=details))
            _log.warning("%s", problem, extra={"job": self.name})
        for path in self.outcomes.seen:
            _log.info("%r is in order again", path, extra={"job": self.name})
        if (work := self.outcomes.rested()) is not None and Moment.IDLE in self._rules.tell:
            details = EventDetails(files=work.files, seconds=max(0.0, wall - work.since))
            events.append(self._rules.event(Happened.IDLE, wall, size=work.bytes, details=details))
        return events

    def _unexpected(self, error: Exception) -> Problem:
        """A bug of ours: this job waits and tries again, and other jobs are not affected."""
        _log.error("a run failed unexpectedly", exc_info=error, extra={"job": self.name})
        message = f"internal error: {type(error).__name__}"
        return Problem(Code.INTERNAL, message, hint="see the log")

    def _turned(self, opened: bool) -> None:
        """The end of the window stops a run as a pause does; its start begins a look."""
        if not opened:
            self._stop()
        else:
            self.outcomes.forget_look()
        self._wakeup.set()
        self._listener.changed(self)

    async def _hear_far(self) -> None:
        async def cursor() -> int:
            row = await self._world.offload(self._memory.jobs.get, self.name)
            return row.far_cursor if row else 0

        await hear_far(self.sides.far, self._seen, cursor, self._far_hint, self._world.steady)
