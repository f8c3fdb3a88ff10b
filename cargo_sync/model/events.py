"""Events: facts about what happened, written in the same transaction as the change itself."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby, repeat
from operator import itemgetter
from typing import Final, NamedTuple


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
    CLOCK_JUMPED = "clock_jumped"
    """The wall clock jumped. It concerns no job, so the event's job is ""."""

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


class EventDetails(NamedTuple):
    """More about an event; each kind of event has some of these fields, the others are None.

    message    a sentence for people
    code       a problem's code, as text
    transfer   id of the file's transfer; "" if it failed before the transfer began
    hash       BLAKE3 of the content, hex
    displaced  where in the trash the displaced file is
    seconds    how long it took
    moved      the bytes that moved in these seconds, if that is not the whole file
    lost       how many frames were sent again
    rtt_ms     the mean round trip time, milliseconds
    files      how many files were transferred
    deletions, overwrites   how many of them the guard holds
    """

    message: str | None = None
    code: str | None = None
    transfer: str | None = None
    hash: str | None = None
    displaced: str | None = None
    seconds: float | None = None
    lost: int | None = None
    rtt_ms: float | None = None
    moved: int | None = None
    files: int | None = None
    deletions: int | None = None
    overwrites: int | None = None

    @classmethod
    def of_moved(
        cls,
        transfers: Sequence[str],
        hashes: Sequence[str],
        seconds: float,
        lost: int | None,
        rtt_ms: float | None,
        moved: Iterable[int | None],
    ) -> "list[EventDetails]":
        """Those of files that moved in one batch."""
        no = repeat(None)
        link = repeat(seconds), repeat(lost), repeat(rtt_ms)
        rows = zip(no, no, transfers, hashes, no, *link, moved, no, no, no, strict=False)
        return list(map(cls._make, rows))


NO_DETAILS: Final = EventDetails()


class Event(NamedTuple):
    """One fact of a job; `job` is "" if it concerns the whole daemon.

    time     unix seconds
    path     relative to the job's root, "" when it concerns the whole job
    tell     the job's mode, if the job wants a callback for this event; else ""
    """

    job: str
    happened: Happened
    time: float
    path: str = ""
    size: int = 0
    details: EventDetails = NO_DETAILS
    tell: str = ""

    @property
    def message(self) -> str:
        """The sentence that goes with it, or ""."""
        return self.details.message or ""

    @property
    def speed(self) -> int | None:
        """Bits per second on average; None if that is not known, or nothing moved."""
        details = self.details
        moved = self.size if details.moved is None else details.moved
        return round(moved * 8 / details.seconds) if moved and details.seconds else None

    @property
    def transfer(self) -> str | None:
        """The id of the transfer that it is about."""
        return self.details.transfer or None


def grouped(events: Iterable[Event]) -> Iterator[tuple[str, Happened, list[Event]]]:
    """Events of one job and kind that follow each other, together."""
    for (job, happened), group in groupby(events, key=itemgetter(0, 1)):
        yield job, happened, list(group)
