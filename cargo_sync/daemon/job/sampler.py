"""Samples one job: its progress and its transfers, when somebody asks."""

from cargo_sync.config.timetable import DAY
from cargo_sync.config.units import format_clock
from cargo_sync.daemon.job.limits import SPEED
from cargo_sync.daemon.job.status import (
    AT_REST,
    Advance,
    JobStatus,
    MovedByRun,
    SpeedStatus,
    UnderWay,
    WayAdvance,
    WindowStatus,
    eta,
)
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.engine.report import Progress, RunProgress
from cargo_sync.lanes.figures import Figures, Moving
from cargo_sync.machines.arrival import ArrivalCount
from cargo_sync.machines.job_state import JobState
from cargo_sync.machines.meter import RateMeter
from cargo_sync.model.jobs import Mode
from cargo_sync.model.world import World


class JobSampler:
    """Reads a supervisor. Speeds are averages between readings, over a few seconds."""

    def __init__(self, job: Supervisor, world: World) -> None:
        self._job = job
        self._world = world
        self._run = ""
        self._bytes = 0
        self._arrivals = _arrivals()
        self._meter = RateMeter()
        self._meters: dict[str, RateMeter] = {}

    def sample(self) -> None:
        """Reads everything once, so that speeds are known when somebody asks."""
        self.advance()
        self.under_way()

    def status(self) -> JobStatus:
        job, outcomes = self._job, self._job.outcomes
        state = job.state
        return JobStatus(
            job.settings,
            state,
            detail=self._detail(state),
            code=outcomes.code,
            next_at=self._next_at(state),
            errors=outcomes.errors,
            drifted=outcomes.drifted,
            advance=self.advance(),
            last_run=outcomes.last_run,
            succeeded_at=outcomes.succeeded_at,
            held=outcomes.waits(),
            notes=job.notes,
            window=self._window(),
            speed=self._speed(),
            conflicts=job.conflicts,
        )

    def _next_at(self, state: JobState) -> float | None:
        if state is JobState.WAITING:
            return self._job.bounds.hours.changes_at
        at = self._job.next_at()
        if at is not None and state is JobState.ERROR:
            at = self._job.outcomes.again_at(at)
        return None if at is None else self._world.wall() + max(0.0, at - self._world.steady())

    def _detail(self, state: JobState) -> str:
        job = self._job
        if state is JobState.WAITING:
            return f"waits until {job.bounds.hours.opening()}"
        if state is JobState.SYNCING and (queued := job.bounds.queued()):
            return queued
        if state is JobState.SYNCING and job.outcomes.held:
            return ""  # what held the last run does not hold this one
        if state is JobState.SYNCED and job.outcomes.drifted:
            return _drift(job.outcomes.drifted)
        return job.outcomes.detail() if state in ("held", "error", "syncing") else ""

    def _window(self) -> WindowStatus | None:
        hours = self._job.bounds.hours
        if hours.window is None:
            return None
        start, end = format_clock(hours.window.start), format_clock(hours.window.end % DAY)
        return WindowStatus(
            hours.words(), str(hours.zone), start, end, hours.open, hours.changes_at
        )

    def _speed(self) -> SpeedStatus:
        bounds = self._job.bounds
        moves = bounds.share.moves
        return SpeedStatus(
            bounds.limits.ordered(SPEED), bounds.own(), moves, bounds.share.rate if moves else None
        )

    def advance(self) -> Advance:
        """The progress of the current run; AT_REST if there is none."""
        run = self._job.run_now
        if run is None or not run.progress.files_total:
            return AT_REST
        if run.report.run != self._run:
            self._run, self._bytes, self._meter = run.report.run, 0, RateMeter()
            self._arrivals = _arrivals()
        self._bytes = max(self._bytes, min(self._arrived(run.progress), run.progress.bytes_total))
        progress = run.progress
        moved = self._bytes - self.resumed(self._run)
        rate = 8 * self._meter.rate(self._world.steady(), moved)
        return Advance(
            progress.files_done,
            progress.files_total,
            self._bytes,
            progress.bytes_total,
            round(rate),
            eta(progress.bytes_total - self._bytes, rate),
            self._ways(progress),
        )

    def moved(self) -> MovedByRun:
        """What the current run has moved until now; there must be one."""
        run = self._job.run_now
        assert run is not None
        self.advance()
        id = run.report.run
        moved = self._bytes - self.resumed(id) if id == self._run else 0
        return MovedByRun(id, run.report.files, max(0, moved))

    def resumed(self, run: str) -> int:
        """Bytes of a run's files that were there already, from an earlier try."""
        return sum(one.resumed for one in self._arrivals.values()) if run == self._run else 0

    def _ways(self, progress: RunProgress) -> tuple[tuple[str, WayAdvance], ...]:
        if self._job.settings.mode != "bidirectional":
            return ()
        ways = (("up", Mode.UPLOAD), ("down", Mode.DOWNLOAD))
        return tuple((word, _way(progress.of(mode))) for word, mode in ways)

    def _arrived(self, progress: RunProgress) -> int:
        """Bytes at the destinations, also those that are staged."""
        arrived, lanes = 0, self._job.sides.figures()
        for mode, arrival in self._arrivals.items():
            done, figures = progress.of(mode).bytes_done, lanes.get(mode)
            arrived += arrival.count(done, figures.content, figures.had) if figures else done
        return arrived

    def under_way(self) -> list[UnderWay]:
        """The files that are being transferred now."""
        found = [
            self._under_way(file, mode, figures)
            for mode, figures in self._job.sides.figures().items()
            for file in figures.files
        ]
        self._meters = {one.id: self._meters[one.id] for one in found}
        return found

    def _under_way(self, file: Moving, mode: Mode, figures: Figures) -> UnderWay:
        meter = self._meters.setdefault(file.id, RateMeter())
        rate = 8 * meter.rate(self._world.steady(), file.done)
        return UnderWay(
            file.id,
            self._job.name,
            file.path,
            mode.value,
            file.size,
            file.done,
            round(rate),
            eta(file.size - file.done, rate),
            figures.rtt_ms,
            figures.lost,
        )


def _way(one: Progress) -> WayAdvance:
    return WayAdvance(one.files_done, one.files_total, one.bytes_done, one.bytes_total)


def _arrivals() -> dict[Mode, ArrivalCount]:
    return {Mode.UPLOAD: ArrivalCount(), Mode.DOWNLOAD: ArrivalCount()}


def _drift(files: int) -> str:
    what = "1 delivered file was" if files == 1 else f"{files:,} delivered files were"
    return f"{what} changed or removed at the destination since: `job verify` lists what differs"
