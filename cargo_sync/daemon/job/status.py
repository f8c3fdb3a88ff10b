"""A job's status: plain values that the sampler makes and the views put into messages."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from cargo_sync.config.job import JobSettings
from cargo_sync.machines.job_state import JobState
from cargo_sync.model.jobs import LastRun
from cargo_sync.model.limits import Ordered


class WayAdvance(NamedTuple):
    """The progress of one direction of a run."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class Advance:
    """The progress of a run. Totals grow while the survey goes on.

    speed_bps  bits of file content per second, over the last few seconds
    eta_s      seconds that are left at this speed, or None
    ways       of a two-way job: "up" and "down", with their parts
    """

    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    speed_bps: int = 0
    eta_s: int | None = None
    ways: tuple[tuple[str, WayAdvance], ...] = ()


class MovedByRun(NamedTuple):
    """What a run has moved, without what was there already from an earlier try."""

    run: str
    files: int
    bytes: int


AT_REST: Final = Advance()
"""No run has files to move. All jobs share this value, because most jobs are idle."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a file of a job, or the job, fails.

    path     "" for the job as a whole
    code     of the problem
    next_at  when it is tried again, unix seconds; None without such a time
    """

    path: str
    message: str
    code: str
    tries: int = 0
    next_at: float | None = None


@dataclass(frozen=True, slots=True)
class HeldStatus:
    """What waits for a person's approval; the fields are those of `plan.guard.Held`.

    where    one side or both, of a job that writes to both; else ""
    message  all of it in a sentence
    """

    deletions: int
    overwrites: int
    tree: int
    before: int
    first: tuple[str, ...]
    ids: tuple[str, ...]
    where: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class WindowStatus:
    """A job's window at one moment.

    words, zone  for people
    start, end   `22:00`, `02:30`, in this zone
    changes_at   when it next opens or closes, unix seconds; None if it never closes
    """

    words: str
    zone: str
    start: str
    end: str
    open: bool
    changes_at: int | None


@dataclass(frozen=True, slots=True)
class SpeedStatus:
    """A job's speed at one moment, bits per second; None is no limit.

    ordered  what a command set in place of the file's speed
    now      the job's own limit now
    moves    it moves files
    granted  its part of the daemon's bandwidth; only while it moves files
    """

    ordered: Ordered | None = None
    now: int | None = None
    moves: bool = False
    granted: int | None = None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job at one moment.

    detail   a sentence for people, or ""
    code     of the problem of the job as a whole, or ""
    next_at  when the next look is due, unix seconds; None during a look, or if only a command
             begins one
    drifted  delivered files that the destination does not have as they were delivered
    errors   how many files fail; a failure of the whole job counts as one
    notes    what else a person should know: warnings of the file, a folder that is not watched, …
    window   None for a job without one
    conflicts  how many are open
    """

    settings: JobSettings
    state: JobState
    detail: str = ""
    code: str = ""
    next_at: float | None = None
    errors: int = 0
    drifted: int = 0
    advance: Advance = AT_REST
    last_run: LastRun | None = None
    succeeded_at: float | None = None
    held: HeldStatus | None = None
    notes: tuple[str, ...] = ()
    window: WindowStatus | None = None
    speed: SpeedStatus = SpeedStatus()
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One file that is being transferred: sizes in bytes, `rtt_ms` and `lost` of its flow."""

    id: str
    job: str
    path: str
    mode: str
    size: int
    done: int
    speed_bps: int
    eta_s: int | None
    rtt_ms: float | None
    lost: int | None


def eta(left: int, speed_bps: float) -> int | None:
    """Seconds for `left` bytes; None if nothing moves or nothing is left."""
    return round(left * 8 / speed_bps) if left > 0 and speed_bps >= 1 else None
