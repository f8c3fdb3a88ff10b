"""How fast files moved lately, per job and for all jobs together: in memory, from samples.

Every few seconds it looks at the jobs that move files now, and when a run ends at what it moved in
all. So nothing is counted per file.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from cargo_sync.api.messages import JsonObject
from cargo_sync.daemon.job.supervisor import Listener, Supervisor
from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.machines.rate_history import RateHistory, RateSpan
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup

TICK: Final = 5.0
"""Seconds between two samples."""


class _Counted(NamedTuple):
    """What was counted of a run until the time `at`."""

    run: str
    bytes: int
    files: int
    at: float


class JobRates(Listener):
    """The rates of all jobs; `jobs` gives them as they are now, by name."""

    def __init__(self, jobs: Callable[[], Mapping[str, Job]], world: World) -> None:
        self._jobs = jobs
        self._world = world
        self._begun, self._begun_at = world.steady(), world.wall()
        self._together = RateHistory()
        self._of: dict[str, RateHistory] = {}
        self._counted: dict[str, _Counted] = {}

    async def run(self) -> None:
        """Samples until cancelled."""
        while True:
            await Wakeup().wait(TICK)
            self.tick()

    def tick(self) -> None:
        """Counts what the runs of this moment have moved since the last time."""
        for name, job in self._jobs().items():
            if job.supervisor.run_now is not None:
                moved = job.sampler.moved()
                self._count(name, moved.run, moved.bytes, moved.files)

    # -- what happens to the jobs ------------------------------------------------------------------

    def changed(self, job: Supervisor) -> None:
        last, found = job.outcomes.last_run, self._jobs().get(job.name)
        if job.run_now is not None or found is None or found.supervisor is not job:
            return
        if last is not None and last.ended >= self._begun_at:  # else it is from the state
            resumed = found.sampler.resumed(last.run)
            self._count(job.name, last.run, last.bytes - resumed, last.files)

    def removed(self, name: str) -> None:
        self._of.pop(name, None)
        self._counted.pop(name, None)

    # -- commands ----------------------------------------------------------------------------------

    def shown(self, job: str | None, span: RateSpan) -> JsonObject:
        """The reply to `job.rates`, for one job or for all."""
        history = self._together if job is None else self._of.get(job, RateHistory())
        now = self._world.steady()
        samples = history.samples(span, now, self._begun)
        return {
            "job": job,
            "step_s": samples.step,
            "first": self._world.wall() - (now - samples.first),
            "speed_bps": [None if rate is None else round(rate) for rate in samples.bits],
            "files_per_s": [None if rate is None else round(rate, 2) for rate in samples.files],
        }

    def _count(self, name: str, run: str, bytes: int, files: int) -> None:
        now = self._world.steady()
        before = self._counted.get(name)
        if before is None or before.run != run:
            if not (bytes or files):
                return
            before = _Counted(run, 0, 0, now - TICK)
        moved, count = max(0, bytes - before.bytes), max(0, files - before.files)
        if moved or count:
            history = self._of.setdefault(name, RateHistory())
            for one in (history, self._together):
                one.add(before.at, now, moved, count)
        self._counted[name] = _Counted(run, before.bytes + moved, before.files + count, now)
