"""How a job stands: plain values that the supervisor makes and the views put into messages."""

from dataclasses import dataclass
from typing import Final

from cargo_sync.config.job import JobSettings
from cargo_sync.machines.job_state import JobState
from cargo_sync.model.jobs import LastRun
from cargo_sync.model.limits import Ordered
from cargo_sync.webhooks.retry_policy import Attempt


@dataclass(frozen=True, slots=True)
class Advance:
    """How far the work under way has come. Totals grow while the survey goes on.

    speed_bps  bits of files a second, lately
    eta_s     seconds that are left at this rate, or None
    """

    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    speed_bps: int = 0
    eta_s: int | None = None


AT_REST: Final = Advance()
"""Nothing is under way; one for all, since most jobs rest."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something of a job fails. `path` is "" for the job as a whole; `next_at` is unix
    seconds."""

    path: str
    message: str
    tries: int = 0
    next_at: float | None = None


@dataclass(frozen=True, slots=True)
class HeldStatus:
    """What waits for a person."""

    deletions: int
    overwrites: int
    run: str


@dataclass(frozen=True, slots=True)
class WindowStatus:
    """A job's window at one moment.

    words, zone  for people
    changes_at   when it next opens or closes, unix seconds; None for one that never closes
    """

    words: str
    zone: str
    open: bool
    changes_at: int | None


@dataclass(frozen=True, slots=True)
class SpeedStatus:
    """A job's speed at one moment, bits a second; None is no limit.

    ordered  what an order set in place of the file's
    now      the job's own limit as it is now
    granted  what it may have now, the daemon's bandwidth shared; only while it moves files
    """

    ordered: Ordered | None = None
    now: int | None = None
    moves: bool = False
    granted: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One job at one moment.

    detail   a sentence for people, or ""
    next_at  when the next look is due, unix seconds; None while one goes on, or when only an order
             begins one
    errors   how much fails: files, or the job as a whole
    hour     of a job with a window
    notes    what a person should know beside: warnings of the file, a folder that is polled, …
    """

    settings: JobSettings
    state: JobState
    detail: str = ""
    next_at: float | None = None
    errors: int = 0
    advance: Advance = AT_REST
    last_run: LastRun | None = None
    held: HeldStatus | None = None
    notes: tuple[str, ...] = ()
    hour: WindowStatus | None = None
    pace: SpeedStatus = SpeedStatus()


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One file on its way; sizes in bytes, `rtt_ms` and `lost` of the flow that carries it."""

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


@dataclass(frozen=True, slots=True)
class CallbackTest:
    """What became of a callback that was sent for a trial: for which event, and how many seconds it
    took."""

    event: str
    result: Attempt
    seconds: float


def eta(left: int, speed_bps: float) -> int | None:
    """Seconds for `left` bytes; None when nothing moves or nothing is left."""
    return round(left * 8 / speed_bps) if left > 0 and speed_bps >= 1 else None
