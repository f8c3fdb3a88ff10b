"""A job's limits: when it may move files and how fast. The parts are connected here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any, Final

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
    """What all jobs of a daemon share.

    zone  the time zone with a name, by the current rules; "" is the machine's
    """

    slots: Slots
    shares: Shares
    limits: LimitRows
    zone: Callable[[str], tzinfo]


class JobLimits:
    """The limits of one job.

    hours   its window and its timetable
    limits  its own limit "speed", which a command may set
    share   its part of the daemon's bandwidth now
    turn    entered while content moves
    """

    def __init__(
        self,
        settings: JobSettings,
        job: int,
        room: SharedLimits,
        world: World,
        set_speed: Callable[[int | None], Awaitable[None]],
    ) -> None:
        self._settings = settings
        named = settings.timezone or ""
        self.hours = Schedule(
            settings.window, settings.timetable, partial(room.zone, named), named, world.wall
        )
        self.share: Share = room.shares.of(settings.name, self.own)
        self.limits = Limits(job, room.limits, world.offload, self.share.refresh)
        self.turn = Turn(settings.name, settings.priority, room.slots, self.share, set_speed)

    async def read(self) -> None:
        """Reads the limits that commands set before. Raises ProblemError."""
        await self.limits.read({SPEED: of_file(self._settings)})

    def own(self) -> int | None:
        """The job's own limit now, bits per second; None is no limit.

        It is what a command set, or else the speed of the timetable or of the file.
        """
        file = self.hours.rate if self._settings.timetable else self._settings.speed
        return self.limits.now(SPEED, file)

    def queued(self) -> str:
        """Returns why content does not move yet, or ""."""
        ahead = self.turn.ahead
        jobs = "1 job moves" if ahead == 1 else f"{ahead:,} jobs move"
        return f"waits for its turn: {jobs} files" if self.turn.waiting else ""


def of_file(settings: JobSettings) -> Any:
    """The speed that a job's file sets, in a form that shows whether it changed."""
    rows = [[row.window.start, row.window.end, row.speed] for row in settings.timetable]
    return rows or settings.speed
