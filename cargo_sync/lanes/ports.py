"""The interfaces that a lane end needs: a channel to the other end, files to read or to stage.

Lanes know sockets and frames. They know nothing about folders, catalogues and jobs: `local` reads
and stages for them, the server and the client's tree decide what is wanted and commit it. All calls
are made in the lane's own thread (or inline, in tests). Implementations may block on the disk,
never on the other end, and never on another machine: a source whose content comes from one says
"not yet", a sink whose batches are published by one says so later. Both then wake the lane.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, runtime_checkable

from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Finished, Offer, Unread, Want
from cargo_sync.wire.records import LentRecord
from cargo_sync.wire.shared import SharedRecord

Wake = Callable[[], None]
"""Makes the lane look again, soon. Any thread may call it at any time, also after the lane's end;
it returns at once and never raises."""
Exchange = Callable[[memoryview, memoryview], bool]
"""Leaves the memory of a piece that came last to its caller, for other memory: see
`Link.exchange`."""


class Channel(Protocol):
    """A byte stream that never blocks."""

    def recv_into(self, view: memoryview) -> int | None:
        """Receives bytes into the start of `view`.

        Returns:
            How many; 0 at the end of the stream, None when there are none yet.

        Raises:
            ProblemError: the stream broke ("cut").
        """

    def send(self, view: memoryview, *more: memoryview | bytes) -> int | None:
        """Sends bytes from the start of `view`, and of what is to come right behind it.

        Returns:
            How many were taken; None when none can be taken now.

        Raises:
            ProblemError: the stream broke ("cut").
        """

    def close(self) -> None: ...


class Reader(Protocol):
    """One source file, open. `close` is called exactly once. Only `read_into` may have not yet."""

    def read_into(self, view: memoryview, offset: int) -> int | None:
        """Reads from `offset` into `view`; fewer bytes than fit only at the end of the file.

        Returns:
            How many bytes were read. None: they are not here yet; the source wakes the lane when
            this may have changed, and then the same is asked for again.

        Raises:
            ProblemError: the file cannot be read.
        """

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        """What is at `offset`, which is before `until`.

        Returns:
            Up to where it is the same, at most `until`; whether it is a hole: nothing but zeros.

        Raises:
            ProblemError: the file cannot be read.
        """

    def unchanged(self) -> bool:
        """True when size, mtime_ns, ctime_ns and inode are still what they were at `open`."""

    def close(self) -> None: ...


@runtime_checkable
class RecordReader(Reader, Protocol):
    """A reader that may have pieces in memory, each as the record in which it is to be sent."""

    def record(self, header: bytes, offset: int, count: int) -> LentRecord | SharedRecord | None:
        """The whole record with this header, and `count` bytes from `offset` on behind it.

        Its memory is lent until its `let_go` is called, which may be after the reader's end. None:
        it is not in memory like this; then the same bytes are read.

        Raises:
            ProblemError: the file cannot be read.
        """


class BlockingReader(Reader, Protocol):
    """A reader for those who may wait: in threads, without a lane."""

    def read_into(self, view: memoryview, offset: int) -> int:
        """As of a reader, but it waits until the bytes are here."""


class Source(Protocol):
    """Where a sender reads."""

    def wakes(self, wake: Wake) -> None:
        """From now on `wake` is to be called when what was not here yet may be here."""

    def coming(self, offers: Iterable[Offer]) -> None:
        """These will be read, in this order, unless they are cancelled: a chance to fetch ahead.

        A source that needs no such chance does not look at them, and they cost nothing: they are
        made while they are looked at, which must be done before this returns.
        """

    def open(self, offer: Offer) -> Reader:
        """Opens the file that an offer names, if it is still what was offered.

        Raises:
            ProblemError: vanished, changed since it was planned, unreadable.
        """

    def holes(self, offer: Offer) -> int:
        """How many bytes of a file, which may be gone, are holes; 0 if that is not known."""

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        """Reads whole files in their order, each into its view, which has its size.

        A file counts as read only if it is still what was offered when all of it was read.

        Returns:
            The first that could not be read, or is not here yet (without a problem): those after it
            were not tried. None: all were read.
        """

    def close(self) -> None:
        """The lane has ended, and all readers are closed: nothing will be asked for any more."""


class Sink(Protocol):
    """Where a receiver stages and commits.

    A batch is begun, filled and submitted once, or lost as a whole. Batches are begun in order and
    may overlap; they are submitted in the order in which they are complete, and may be finished in
    any order. The memory of a content belongs to the sink until its next call.

    A sink that publishes at once does it in `submit`, and `finished` gives it out at the next call.
    """

    def wakes(self, wake: Wake) -> None:
        """From now on `wake` is to be called when `finished` or `full` may have changed.

        Not for a batch that is finished when `submit` returns: the lane asks then anyway.
        """

    def exchanges(self, exchange: Exchange) -> None:
        """By this the sink may keep the memory of a content, while it is given it."""

    def is_ready(self, offers: Sequence[Offer]) -> bool:
        """Whether a batch of these may begin. If not, the client opens it again, soon.

        It is asked before a batch is begun that a client has opened.
        """

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        """Returns what is needed of each offer, in the same order.

        This may be a refusal, nothing (the content is already here), or the ranges that are not
        durable yet.
        """

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        """Stages one file that arrived in one piece.

        Problems are kept and reported when the batch is finished, never raised.
        """

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        """Stages a piece of a larger file, which begins at `offset`.

        Problems are kept and reported when the batch is finished, never raised.
        """

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        """So many bytes of a larger file, from `offset` on, are zeros and need no room.

        Problems are kept and reported when the batch is finished, never raised.
        """

    def settle(self) -> None:
        """Returns when the memory of the content that came last may be used again.

        Any other call does the same.
        """

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        """The sender gave this file up: its staging is dropped.

        A checkpoint of it is kept for the next try, unless a person cancelled it (CANCELLED).
        """

    def checkpoint(self) -> None:
        """Makes what has arrived of the larger files durable and records it."""

    def submit(self, batch: int) -> None:
        """All of a batch is here: its complete files are to be published, durably, now or later.

        Nothing else is called for this batch. Until it is finished it counts as one of the few that
        may be open on a lane.
        """

    def finished(self) -> list[Finished]:
        """The batches that were finished since the last call, each once.

        A published batch has one receipt per offer. Offers that were refused, or whose content was
        already here, also have one; the latter are "done".
        """

    def full(self) -> bool:
        """Whether no content can be taken now: the lane then reads nothing, but lives.

        This must not last until something comes over the same lane: it would never come. A sink
        that is full still takes what it is given: a lane asks before each frame, and what one frame
        holds comes together.
        """

    def close(self) -> None:
        """The lane has ended: checkpoints incomplete larger files and drops all other staging.

        The sink decides what becomes of batches that were submitted and are not finished. Those it
        publishes now are `finished` afterwards: that is asked once more, because a lane that was
        cancelled can still tell its client. Of the others nobody is told.
        """


class Budget(Protocol):
    """How much of what its client opened a server's end may hold in memory."""

    def turn(self, size: int) -> AbstractContextManager[object]:
        """Held while a message of so many bytes is decoded."""

    def take(self, offers: int, size: int) -> bool:
        """Takes room for so many offers, and bytes of messages; False if there is none now."""

    def give(self, offers: int, size: int) -> None:
        """Gives back what was taken."""

    def close(self) -> None:
        """The lane has ended: gives back everything."""


class Unbudgeted:
    """Holds any amount: for clients, who choose themselves what they open."""

    def turn(self, size: int) -> AbstractContextManager[object]:
        return nullcontext()

    def take(self, offers: int, size: int) -> bool:
        return True

    def give(self, offers: int, size: int) -> None:
        """Nothing was counted."""

    def close(self) -> None:
        """Nothing was counted."""
