"""A job's bounds: when it may move files and how fast, wired."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from cargo_sync.admission.bandwidth import Share, Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.admission.turn import Turn
from cargo_sync.config.job import JobSettings
from cargo_sync.control.limits import Limits
from cargo_sync.daemon.job.schedule import Schedule
from cargo_sync.model.world import World
from cargo_sync.state.limits import LimitRows

SPEED: Final = "speed"
"""The name of a job's own limit."""


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """What all jobs of a daemon have to share.

    zone  the machine's, for jobs that name none
    """

    slots: Slots
    shares: Shares
    limits: LimitRows
    zone: tzinfo


class JobLimits:
    """One job's.

    hours   its window and its timetable
    limits  its own, "speed", as an order may set it
    share   what it may have now of the daemon's bandwidth
    turn    entered while content moves
    """

    def __init__(
        self,
        settings: JobSettings,
        job: int,
        room: SharedLimits,
        world: World,
        tell: Callable[[int | None], Awaitable[None]],
    ) -> None:
        self._settings = settings
        zone = ZoneInfo(settings.timezone) if settings.timezone else room.zone
        self.hours = Schedule(
            settings.window, settings.timetable, zone, settings.timezone or "", world.wall
        )
        self.share: Share = room.shares.of(settings.name, self.own)
        self.limits = Limits(job, room.limits, world.offload, self.share.refresh)
        self.turn = Turn(settings.name, settings.priority, room.slots, self.share, tell)

    async def read(self) -> None:
        """Takes up what was ordered before. Raises ProblemError."""
        await self.limits.read({SPEED: of_file(self._settings)})

    def own(self) -> int | None:
        """The job's own limit as it is now: what was ordered, else the timetable's or the file's
        one rate."""
        file = self.hours.rate if self._settings.timetable else self._settings.speed
        return self.limits.now(SPEED, file)

    def queued(self) -> str:
        """Why content does not move yet, or ""."""
        ahead = self.turn.ahead
        jobs = "1 job moves" if ahead == 1 else f"{ahead:,} jobs move"
        return f"waits for its turn: {jobs} files" if self.turn.waiting else ""


def of_file(settings: JobSettings) -> Any:
    """What a job's file says of its speed: to see whether it says another now."""
    rows = [[row.window.start, row.window.end, row.speed] for row in settings.timetable]
    return rows or settings.speed
