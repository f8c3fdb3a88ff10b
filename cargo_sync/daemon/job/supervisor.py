"""One job's loop: look -> run -> wait. It decides nothing by itself: machines/looks says when, the
engine what is done, machines/job_state what that is called.

Orders only change what is wanted and ring the wakeup; the loop does one thing at a time: a preview, a
run, or waiting. So a pause, a reload or a second order can come at any moment.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.job.following import follow_hours, follow_speed
from cargo_sync.daemon.job.limits import JobLimits
from cargo_sync.daemon.job.outcomes import JobOutcomes
from cargo_sync.daemon.job.remote_hints import hear_far
from cargo_sync.engine.context import JobMemory
from cargo_sync.engine.run import Run
from cargo_sync.lanes.figures import Figures
from cargo_sync.machines.job_state import Facts, JobState, job_state
from cargo_sync.machines.looks import next_look
from cargo_sync.model.events import Event, EventDetails, Happened, Moment
from cargo_sync.model.jobs import After, Mode, Rules
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.jobs import JobRow
from cargo_sync.trees.contract import FarTree, NearTree

_PLANS: Final = 20
"""Failed previews that are remembered, to be told to whoever asks for their actions."""

_log = logging.getLogger(__name__)


class FolderHints(Protocol):
    """Hints of changes in a local folder, as long as it is open.

    note  what a person should know of it, such as that the folder is polled; "" when all is well
    """

    note: str

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a job.

    watch    begins to watch the near side, and calls back (on the event loop) for every hint; None
             when that cannot be done now
    figures  what the flow that is open says of itself, or None
    afresh   forgets that the far side refused a login lately: a person's order is worth asking for
             it again
    """

    near: NearTree
    far: FarTree
    figures: Callable[[], Figures | None]
    watch: Callable[[Callable[[], None]], Awaitable[FolderHints | None]]
    afresh: Callable[[], None]


class Listener:
    """Is told what happens to jobs; a listener overrides what it wants to know. No call may
    block."""

    def happened(self, events: Sequence[Event], cursor: int) -> None:
        """These events have become true; `cursor` is that of the last."""
        return

    def changed(self, job: "Supervisor") -> None:
        """The state of a job may be another now."""
        return

    def removed(self, name: str) -> None:
        """The job of this name was removed."""
        return


def rules(settings: JobSettings) -> Rules:
    """What a run needs to know of a job's settings."""
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
        speed=settings.speed,
        tell=frozenset(Moment(event.event) for event in settings.events),
    )


class Supervisor:
    """One job while its settings hold; with others it is made anew.

    row     what the state remembers of it
    bounds  when it may move files, and how fast
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
        self._rules = rules(settings)
        self._memory = memory
        self._world = world
        self._listener = listener
        self._task: asyncio.Task[None] | None = None
        self._watch: FolderHints | None = None
        self._ordered: tuple[Run, bool] | None = None
        self._previews: dict[str, Run] = {}
        self._no_plan: dict[str, Problem] = {}
        self._hinted: float | None = None
        self._wakeup = Wakeup()
        self._seen = Wakeup()

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the job beside its state."""
        watching = self._watch.note if self._watch else ""
        return (*self.settings.warnings, watching) if watching else self.settings.warnings

    @property
    def _listens(self) -> bool:
        return self.settings.enabled and self.settings.watch

    def __repr__(self) -> str:
        return f"<Supervisor of {self.name!r}: {self.state}>"

    # -- how it stands -----------------------------------------------------------------------------

    @property
    def facts(self) -> Facts:
        moved = self.run_now is not None and self.run_now.progress.files_done > 0
        return Facts(
            enabled=self.settings.enabled,
            paused=self.paused,
            held="" if moved else self.outcomes.held,
            in_window=self.bounds.hours.open,
            running=self.outcomes.moving or self.outcomes.unsettled,
            errors=self.outcomes.errors,
            looked=self.outcomes.looked,
        )

    @property
    def state(self) -> JobState:
        return job_state(self.facts)

    def next_at(self) -> float | None:
        """When the next look is due, on the steady clock; None during one, or when it takes an
        order."""
        if self.paused or not self.settings.enabled or self.outcomes.approvable:
            return None
        if not self.bounds.hours.open:
            opening = self.bounds.hours.changes_at
            assert opening is not None, "a window that is closed opens within a day"
            return self._world.steady() + opening - self._world.wall()
        if self.run_now is not None:
            return None
        settle = self.settings.settle if self._rules.mode is Mode.UPLOAD else 0.0
        return next_look(self.outcomes.look, self.settings.sleep, settle, self._hinted)

    # -- orders ------------------------------------------------------------------------------------

    async def pause(self) -> None:
        """Stops mid-file, at a checkpoint, and stays so across restarts."""
        self.paused = True
        self._stop()
        self._listener.changed(self)
        await self._world.offload(self._memory.jobs.set_paused, self.name, True)

    async def start(self) -> None:
        """Ends a pause; looks at once."""
        await self._world.offload(self._memory.jobs.set_paused, self.name, False)
        if self.paused:
            self.paused = False
            self.outcomes.forget_look()
        self._listener.changed(self)
        self._wakeup.set()

    def sync(self, *, approved: bool = False) -> str:
        """Looks as soon as nothing else goes on; the id of the run that this will be.

        Args:
            approved: it may delete and overwrite as much as it finds.
        """
        if self._ordered is None or (approved and not self._ordered[1]):
            self._ordered = (self._new_run(), approved)
        self._memory.failures.expedite()
        self.sides.afresh()
        self._wakeup.set()
        return self._ordered[0].report.run

    def plan(self) -> str:
        """Writes down what a run would do, as soon as no run goes on; the id to ask for it with."""
        run = self._new_run()
        self.sides.afresh()
        self._previews[run.report.run] = run
        self._wakeup.set()
        return run.report.run

    def is_planning(self, run: str) -> bool:
        return run in self._previews

    def no_plan(self, run: str) -> Problem | None:
        """Why there is no plan of this id, when the preview failed."""
        return self._no_plan.get(run)

    def hint(self) -> None:
        """Something may have changed on a side."""
        if self._hinted is None:
            self._hinted = self._world.steady()
            self._wakeup.set()

    def _stop(self) -> None:
        """Stops the run that goes on, at a checkpoint."""
        if self.run_now is not None and self._task is not None:
            self._task.cancel()

    # -- the loop ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keeps the job going until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                if self._listens and self._rules.mode is Mode.DOWNLOAD:
                    group.create_task(self._hear_far())
                if self.bounds.hours.matter:
                    group.create_task(
                        follow_hours(self.bounds.hours, self.bounds.share, self._turned)
                    )
                group.create_task(follow_speed(self.bounds.share, self.sides.far, self.name))
                while True:
                    await self._hear_near()
                    work = self._next()
                    if work is None:
                        await self._wakeup.wait(self._patience())
                        continue
                    self._task = group.create_task(work)
                    await asyncio.wait({self._task})
                    self._task = None
        finally:
            if self._watch is not None:
                await self._watch.close()
            await self.sides.far.close()
            await self.sides.near.close()

    def _next(self) -> Coroutine[Any, Any, None] | None:
        if self._previews:
            return self._preview(next(iter(self._previews.values())))
        if not self._may_look:
            return None
        if self._ordered is not None:
            (run, approved), self._ordered = self._ordered, None
            return self._look(run, approved=approved)
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

    async def _look(self, run: Run, *, approved: bool = False) -> None:
        """One run, to whatever end: only the cancellation of the whole job leaves here as an
        exception."""
        if not self._may_look:
            return  # since it was decided to look
        self.run_now, self._hinted = run, None
        self.outcomes.begin(run, approved=approved)
        try:
            await run.execute(spent=self.outcomes.spent, approved=approved)
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

    async def _preview(self, run: Run) -> None:
        id = run.report.run
        try:
            await run.preview()
        except ProblemError as error:
            self._no_plan[id] = error.problem
        except Exception as error:
            self._no_plan[id] = self._unexpected(error)
        finally:
            del self._previews[id]
        while len(self._no_plan) > _PLANS:
            del self._no_plan[next(iter(self._no_plan))]

    async def _write_down(self, run: Run) -> None:
        """The history of what is worth it, and events when the job is held, fails as a whole, or
        rests."""
        news = self.outcomes.news()
        if events := self._news(run, news):
            try:
                cursor = await self._world.offload(self._memory.folders.agree, [], events)
            except ProblemError as error:
                _log.error("an event cannot be kept: %s", error, extra={"job": self.name})
            else:
                self._listener.happened(events, cursor)
        last = self.outcomes.last_run
        if last is not None and (run.report.acted or news is not None or self.outcomes.released):
            try:
                await self._world.offload(self._memory.jobs.set_last_run, self.name, last)
            except ProblemError as error:
                _log.error("the last run cannot be kept: %s", error, extra={"job": self.name})

    def _news(self, run: Run, news: str | None) -> list[Event]:
        events: list[Event] = []
        wall = self._world.wall()
        if news is not None:
            happened = Happened.HELD if self.outcomes.held else Happened.FAILED
            details, report = EventDetails(news), run.report
            if self.outcomes.approvable:
                details = EventDetails(
                    news, deletions=report.deletions, overwrites=report.overwrites
                )
            events.append(self._rules.event(happened, wall, details=details))
            _log.warning("%s: %s", happened, news, extra={"job": self.name})
        if (work := self.outcomes.rested()) is not None and Moment.IDLE in self._rules.tell:
            details = EventDetails(files=work.files, seconds=max(0.0, wall - work.since))
            events.append(self._rules.event(Happened.IDLE, wall, size=work.bytes, details=details))
        return events

    def _unexpected(self, error: Exception) -> Problem:
        """A mistake of ours: this job waits and tries again, the others do not notice."""
        _log.error("a run failed in a way nobody foresaw", exc_info=error, extra={"job": self.name})
        return Problem(
            Code.INTERNAL,
            f"something went wrong inside: {type(error).__name__}",
            hint="see the log",
        )

    def _turned(self, opened: bool) -> None:
        """The window's end stops a run as a pause does, its start begins a look."""
        if not opened:
            self._stop()
        elif not self.outcomes.approvable:
            self.outcomes.forget_look()
        self._wakeup.set()
        self._listener.changed(self)

    async def _hear_near(self) -> None:
        """Watches an upload's folder, as soon as it can be."""
        if self._watch is None and self._listens and self._rules.mode is Mode.UPLOAD:
            self._watch = await self.sides.watch(self.hint)

    async def _hear_far(self) -> None:
        async def cursor() -> int:
            row = await self._world.offload(self._memory.jobs.get, self.name)
            return row.far_cursor if row else 0

        while True:
            try:
                await hear_far(self.sides.far, self._seen, cursor, self.hint, self._world.steady)
            except Exception as error:
                # Looks come by themselves all the same; a mistake here must not end the job.
                _log.error(
                    "listening to the server failed", exc_info=error, extra={"job": self.name}
                )
