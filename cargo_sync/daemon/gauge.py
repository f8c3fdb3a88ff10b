"""A gauge on one job: its advance and what is under way, sampled when somebody asks."""

from cargo_sync.daemon.meter import Meter
from cargo_sync.daemon.standing import Advance, Standing, UnderWay, eta
from cargo_sync.daemon.supervisor import Supervisor
from cargo_sync.model.world import World


class Gauge:
    """Reads a supervisor; rates are of the time between two readings, over a few seconds."""

    def __init__(self, job: Supervisor, world: World) -> None:
        self._job = job
        self._world = world
        self._run = ""
        self._bytes = 0
        self._meter = Meter()
        self._meters: dict[str, Meter] = {}

    def standing(self) -> Standing:
        job, past = self._job, self._job.past
        at = job.next_at()
        state = job.state
        return Standing(
            job.settings,
            state,
            detail=past.detail() if state in ("held", "error", "syncing") else "",
            next_at=None if at is None else self._world.wall() + max(0.0, at - self._world.steady()),
            errors=past.errors,
            advance=self.advance(),
            last_run=past.last_run,
            held=past.waits(),
            notes=job.notes,
        )

    def advance(self) -> Advance:
        """How far the run that goes on has come; nothing while none does."""
        run = self._job.run_now
        if run is None or not run.progress.files_total:
            return Advance()
        if run.report.run != self._run:
            self._run, self._bytes, self._meter = run.report.run, 0, Meter()
        progress, flowing = run.progress, self._job.sides.flowing()
        moving = sum(file.done for file in flowing.figures.files) if flowing else 0
        # What has arrived and is not committed yet is in neither of the two: the sum must not go back for it.
        self._bytes = max(self._bytes, min(progress.bytes_done + moving, progress.bytes_total))
        rate = 8 * self._meter.rate(self._world.steady(), self._bytes)
        return Advance(
            progress.files_done, progress.files_total, self._bytes, progress.bytes_total,
            round(rate), eta(progress.bytes_total - self._bytes, rate),
        )  # fmt: skip

    def under_way(self) -> list[UnderWay]:
        """The files that are on their way now."""
        flowing = self._job.sides.flowing()
        if flowing is None:
            self._meters.clear()
            return []
        now, found = self._world.steady(), []
        for file in flowing.figures.files:
            id = flowing.ids.get(file.path, "")
            if not id:
                continue  # committed in this very moment
            rate = 8 * self._meters.setdefault(id, Meter()).rate(now, file.done)
            found.append(
                UnderWay(
                    id, self._job.name, file.path, self._job.settings.mode, file.size, file.done,
                    round(rate), eta(file.size - file.done, rate),
                    flowing.figures.rtt_ms, flowing.figures.lost,
                )
            )  # fmt: skip
        self._meters = {one.id: self._meters[one.id] for one in found}
        return found
