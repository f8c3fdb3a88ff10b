"""Events: facts about what happened, written in the same transaction as the change itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Happened(StrEnum):
    """What happened to a file or to a job."""

    STARTED = "started"
    """A transfer begins; written only if the job wants a callback for it."""
    UPLOADED = "uploaded"
    DOWNLOADED = "downloaded"
    ADOPTED = "adopted"
    DELETED = "deleted"
    DISPLACED = "displaced"
    KEPT = "kept"
    """The source is gone. The destination's file was kept, because it differs from what was
    delivered."""
    FAILED = "failed"
    HELD = "held"
    RESET = "reset"
    """Base was discarded: the next run compares both sides as if for the first time."""
    IDLE = "idle"
    """A job has nothing left to do after it did something; written only if the job wants a callback
    for it."""

    @property
    def kind(self) -> str:
        """Its name in notices and in the history."""
        return "error" if self is Happened.FAILED else self.value


class Moment(StrEnum):
    """What a job can have callbacks for; the names are the ones in job files."""

    START = "onStart"
    UPDATE = "onUpdate"
    """Not an event: it is sampled while a transfer runs."""
    FINISH = "onFinish"
    ERROR = "onError"
    HELD = "onHeld"
    JOB_ERROR = "onJobError"
    IDLE = "onIdle"


_MOMENTS = {
    Happened.STARTED: Moment.START,
    Happened.UPLOADED: Moment.FINISH,
    Happened.DOWNLOADED: Moment.FINISH,
    Happened.HELD: Moment.HELD,
    Happened.IDLE: Moment.IDLE,
}


def moment(happened: Happened, path: str) -> Moment | None:
    """The name in job files of a callback for such an event; None if it has no callback."""
    if happened is Happened.FAILED:
        return Moment.ERROR if path else Moment.JOB_ERROR
    return _MOMENTS.get(happened)


@dataclass(frozen=True, slots=True)
class Event:
    """One fact of a job.

    time     unix seconds
    path     relative to the job's root, "" when it concerns the whole job
    details  JSON values: transfer, bytes, seconds, hash, displaced, message, lost, rtt_ms, …
    tell     the job's mode, if the job wants a callback for this event; else ""
    """

    job: str
    happened: Happened
    time: float
    path: str = ""
    size: int = 0
    details: Mapping[str, object] = field(default_factory=dict)
    tell: str = ""

    @property
    def message(self) -> str:
        """The sentence that goes with it, or ""."""
        return str(self.details.get("message", ""))

    @property
    def transfer(self) -> str | None:
        """The id of the transfer that it is about."""
        id = self.details.get("transfer")
        return id if isinstance(id, str) and id else None

    @property
    def seconds(self) -> float | None:
        """How long it took, where that is known."""
        seconds = self.details.get("seconds")
        return float(seconds) if isinstance(seconds, int | float) else None
