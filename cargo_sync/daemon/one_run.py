"""One run of the only job of a daemon, which ends with it: `cargo_sync run`."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cargo_sync.daemon.job.status import Advance, Cause
from cargo_sync.daemon.job.supervisor import Listener, Supervisor
from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.daemon.jobs.unusable import UnusableJob
from cargo_sync.machines.job_state import JobState
from cargo_sync.machines.one_run import IDLE, LookEnd, RunVerdict, verdict, waits
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.holds import Ruling

_TICK: Final = 0.5
_LOOK: Final = 0.1
_FAREWELL: Final = 100
"""Times that it looks whether callbacks are still to be sent; then they wait for the next run."""


class JobsOfDaemon(Protocol):
    """The part of a daemon that is needed here."""

    @property
    def all(self) -> Mapping[str, Job]: ...

    @property
    def unusable(self) -> Mapping[str, UnusableJob]: ...

    async def has_callbacks_due(self) -> bool:
        """Whether callbacks could be sent now, and are not sent yet."""


@dataclass(frozen=True, slots=True)
class RunOnceResult:
    """How it ended.

    detail       a sentence, or ""
    causes       what fails
    holds        ids of what is held
    left         files still change, and were left to the next run
    files, bytes what moved
    """

    verdict: RunVerdict
    state: JobState
    detail: str = ""
    causes: tuple[Cause, ...] = ()
    holds: tuple[str, ...] = ()
    left: bool = False
    files: int = 0
    bytes: int = 0


class RunOnce(Listener):
    """Listens to a daemon with one job until this has run once.

    approve  the id of what was held before: it passes
    timeout  seconds after which it stops; None for no limit
    show     called twice a second with the progress, and why it waits for the server, or ""
    result   None until the end
    """

    def __init__(
        self,
        approve: str | None,
        timeout: float | None,
        show: Callable[[Advance, str], None],
    ) -> None:
        self.result: RunOnceResult | None = None
        self._approve = approve
        self._timeout = timeout
        self._show = show
        self._news = Wakeup()
        self._begun = Wakeup()
        self._ended: deque[str] = deque()
        self._files = self._bytes = 0

    # -- what happens to the job -------------------------------------------------------------------

    def begin(self) -> None:
        """The daemon is ready."""
        self._begun.set()

    def changed(self, job: Supervisor) -> None:
        self._news.set()

    def looked(self, job: Supervisor, run: str) -> None:
        self._ended.append(run)
        last = job.outcomes.last_run
        if last is not None and last.run == run:
            self._files += last.files
            self._bytes += last.bytes
        self._news.set()

    # -- the run -----------------------------------------------------------------------------------

    async def run(self, daemon: JobsOfDaemon, steady: Callable[[], float]) -> None:
        """Returns when the job has run once; `result` says how. `steady` gives seconds."""
        await self._begun.wait()
        job = next(iter(daemon.all.values()), None)
        if job is None:
            detail = next((one.detail for one in daemon.unusable.values()), "there is no job")
            self.result = RunOnceResult(RunVerdict.FAILED, JobState.ERROR, detail)
            return
        approved = ""
        if self._approve is not None:
            if not await job.supervisor.decide(self._approve, Ruling.APPROVED):
                detail = f"nothing with the id {self._approve!r} is held: nothing was done"
                self.result = RunOnceResult(RunVerdict.FAILED, job.supervisor.state, detail)
                return
            approved = job.supervisor.sync()
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._verdict(job, approved, steady)
        except TimeoutError:
            detail = "the time was over: the next run goes on where it was"
            self.result = RunOnceResult(RunVerdict.UNFINISHED, job.supervisor.state, detail)
            return
        self.result = self._result(job, found)
        if job.supervisor.settings.events:
            for _ in range(_FAREWELL):
                if not await daemon.has_callbacks_due():
                    break
                await Wakeup().wait(_LOOK)

    async def _verdict(self, job: Job, approved: str, steady: Callable[[], float]) -> RunVerdict:
        """Waits for it; with `approved`, looks before that run do not count."""
        looks, outcomes = 0, job.supervisor.outcomes
        failing: float | None = None
        why = ""
        while True:
            if job.supervisor.state in IDLE:
                return RunVerdict.UNFINISHED
            while self._ended:
                run = self._ended.popleft()
                approved = "" if run == approved else approved
                if approved:
                    continue
                looks += not outcomes.code
                now = steady()
                failing = now if failing is None else failing
                if outcomes.advanced or not outcomes.code:
                    failing = None
                end = _end(job.supervisor, 0.0 if failing is None else now - failing)
                found = verdict(end, looks)
                if found is not None:
                    return found
                why = outcomes.detail() if waits(end) else ""
            if not await self._news.wait(_TICK):
                self._show(job.sampler.advance(), "" if outcomes.moving else why)

    def _result(self, job: Job, found: RunVerdict) -> RunOnceResult:
        status, outcomes = job.sampler.status(), job.supervisor.outcomes
        holds = status.held.ids if status.held else ()
        detail = status.held.message if status.held else status.detail
        return RunOnceResult(
            found,
            status.state,
            detail,
            tuple(outcomes.causes()),
            holds,
            outcomes.unsettled,
            self._files,
            self._bytes,
        )


def _end(job: Supervisor, waited: float) -> LookEnd:
    out = job.outcomes
    return LookEnd(job.state, out.code, out.advanced, out.again_in(), out.reached, waited)
