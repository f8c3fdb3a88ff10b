"""Events: past-tense facts, kept as rows in the transaction that made them true."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Happened(StrEnum):
    STARTED = "started"
    """A transfer begins; written only where a callback asks for it."""
    UPLOADED = "uploaded"
    DOWNLOADED = "downloaded"
    ADOPTED = "adopted"
    DELETED = "deleted"
    DISPLACED = "displaced"
    KEPT = "kept"
    """A destination that differs from what was delivered was left alone although its source is
    gone."""
    FAILED = "failed"
    HELD = "held"
    RESET = "reset"
    """Base was set aside: first contact begins again."""
    IDLE = "idle"
    """A job has come to rest after it did something; written only where a callback asks for it."""

    @property
    def kind(self) -> str:
        """What notices and `events` call it."""
        return "error" if self is Happened.FAILED else self.value


class Moment(StrEnum):
    """What a job may ask a callback for; the names are those of job files."""

    START = "onStart"
    UPDATE = "onUpdate"
    """No event: it is sampled while a transfer runs."""
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
    """What a job asks for when it wants a callback for such an event; None when there is none for
    it."""
    if happened is Happened.FAILED:
        return Moment.ERROR if path else Moment.JOB_ERROR
    return _MOMENTS.get(happened)


@dataclass(frozen=True, slots=True)
class Event:
    """One fact of a job.

    time     unix seconds
    path     relative to the job's root, "" when it is about the whole job
    details  JSON values: transfer, bytes, seconds, hash, displaced, message, lost, rtt_ms, …
    tell     the job's mode, when it asked for a callback at this; else ""
    """

    job: str
    happened: Happened
    time: float
    path: str = ""
    size: int = 0
    details: dict[str, Any] = field(default_factory=dict)
    tell: str = ""
