"""Events: past-tense facts, kept as rows in the transaction that made them true."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Happened(StrEnum):
    UPLOADED = "uploaded"
    DOWNLOADED = "downloaded"
    ADOPTED = "adopted"
    DELETED = "deleted"
    DISPLACED = "displaced"
    KEPT = "kept"
    """A destination that differs from what was delivered was left alone although its source is gone."""
    FAILED = "failed"
    HELD = "held"
    RESET = "reset"
    """Base was set aside: first contact begins again."""

    @property
    def kind(self) -> str:
        """What notices and `events` call it."""
        return "error" if self is Happened.FAILED else self.value


@dataclass(frozen=True, slots=True)
class Event:
    """One fact of a job.

    time     unix seconds
    path     relative to the job's root, "" when it is about the whole job
    details  JSON values: transfer, bytes, seconds, hash, displaced, message, lost, rtt_ms, …
    """

    job: str
    happened: Happened
    time: float
    path: str = ""
    size: int = 0
    details: dict[str, Any] = field(default_factory=dict)
