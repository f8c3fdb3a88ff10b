"""Events: facts about what happened, written in the same transaction as the change itself."""

from collections.abc import Iterator, Sequence
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
    TOUCHED = "touched"
    """The destination's file or folder got the time and mode of the source; no content moved."""
    DELETED = "deleted"
    MOVED = "moved"
    """It was renamed at the destination, because it was at the source; a folder with all in it."""
    DISPLACED = "displaced"
    KEPT = "kept"
    """The source is gone. The destination's file was kept, because it differs from what was
    delivered."""
    CONFLICT = "conflict"
    """Both sides of a two-way job changed a path, each in its own way."""
    FAILED = "failed"
    HELD = "held"
    RESET = "reset"
    """Base was discarded: the next run compares both sides as if for the first time."""
    IDLE = "idle"
    """A job has nothing left to do after it did something; written only if the job wants a callback
    for it."""
    RESTORED = "restored"
    """A person brought a version back from the trash."""
    FREED = "freed"
    """A person removed versions from the trash for good."""
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
    CONFLICT = "onConflict"
    HELD = "onHeld"
    JOB_ERROR = "onJobError"
    IDLE = "onIdle"


_MOMENTS = {
    Happened.STARTED: Moment.START,
    Happened.UPLOADED: Moment.FINISH,
    Happened.DOWNLOADED: Moment.FINISH,
    Happened.CONFLICT: Moment.CONFLICT,
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
    moved_from  where it was before, relative to the job's root
    deletions, overwrites   how many of them the guard holds
    choice     how a conflict is resolved; None while a person must say
    copy       path of the conflict copy
    direction  in a two-way job: "upload" or "download", the way of a file; None if the word for
               what happened says it
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
    choice: str | None = None
    copy: str | None = None
    direction: str | None = None
    moved_from: str | None = None


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


class EventGroup(NamedTuple):
    """Events of one job and kind that were recorded one after the other: listeners hear of these.

    cursor   of the last one; the others have the cursors before it
    paths    of each
    bytes    the sum of their sizes
    message  of the first one, or ""
    tell     whether callbacks are wanted for them
    """

    job: str
    happened: Happened
    cursor: int
    paths: Sequence[str]
    bytes: int
    message: str = ""
    tell: bool = False


def groups(events: Sequence[Event], cursor: int) -> list[EventGroup]:
    """The groups of events that were recorded together; `cursor` is that of the last event."""
    found = []
    last = cursor - len(events)
    for (job, happened), group in groupby(events, key=itemgetter(0, 1)):
        some = list(group)
        last += len(some)
        files, size = [event.path for event in some], sum(event.size for event in some)
        tell = any(event.tell for event in some)
        found.append(EventGroup(job, happened, last, files, size, some[0].message, tell))
    return found


class MovedFiles(NamedTuple):
    """The events of files that moved in one batch, as columns: there are many.

    paths, sizes, transfers, hashes, moved  one value for each file; of `moved`, nothing if all of
                                            each file moved
    the others                              the same for all of them: see Event and EventDetails
    """

    job: str
    happened: Happened
    time: float
    tell: str
    paths: Sequence[str]
    sizes: Sequence[int]
    transfers: Sequence[str]
    hashes: Sequence[str]
    seconds: float
    lost: int | None
    rtt_ms: float | None
    moved: Sequence[int | None] = ()

    def details(self) -> Iterator[EventDetails]:
        """The details of each event."""
        for transfer, content, moved in zip(
            self.transfers, self.hashes, self.moved or repeat(None), strict=False
        ):
            yield EventDetails(
                transfer=transfer,
                hash=content,
                seconds=self.seconds,
                lost=self.lost,
                rtt_ms=self.rtt_ms,
                moved=moved,
            )

    def group(self, cursor: int) -> EventGroup:
        """Their group; `cursor` is that of the last one."""
        size, tell = sum(self.sizes), bool(self.tell)
        return EventGroup(self.job, self.happened, cursor, self.paths, size, tell=tell)
