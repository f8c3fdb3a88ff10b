"""What a lane end asks of the world: a channel to the other end, and files to read or to stage.

Lanes know sockets and frames; they know no folder, no catalogue and no job. `local` reads and
stages for them, the server and the client's tree decide what is wanted and commit. Every call is
made from the lane's own thread (or inline, in tests): implementations may block on the disk, never
on the other end.
"""

from collections.abc import Sequence
from typing import Protocol

from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt, Want


class Channel(Protocol):
    """A byte stream that never blocks."""

    def recv_into(self, view: memoryview) -> int | None:
        """Bytes received into the start of `view`; 0 at the end of the stream, None when none are
        there yet.

        Raises:
            ProblemError: the stream broke ("cut").
        """

    def send(self, view: memoryview) -> int | None:
        """Bytes taken from the start of `view`; None when none can be taken now.

        Raises:
            ProblemError: the stream broke ("cut").
        """

    def close(self) -> None: ...


class Reader(Protocol):
    """One source file, open. `close` is called exactly once."""

    def read_into(self, view: memoryview, offset: int) -> int:
        """Fills `view` from `offset` on; fewer bytes only at the end of the file. Raises
        ProblemError."""

    def unchanged(self) -> bool:
        """True when size, mtime_ns, ctime_ns and inode are still what they were at `open`."""

    def close(self) -> None: ...


class Source(Protocol):
    """Where a sender reads."""

    def open(self, offer: Offer) -> Reader:
        """Opens the file an offer names, when it still is what was offered.

        Raises:
            ProblemError: vanished, changed since it was planned, unreadable.
        """


class Sink(Protocol):
    """Where a receiver stages and commits. A batch is begun, filled and committed once, or lost
    whole.

    Batches are begun in order and may overlap; commits come in order of completion.
    """

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        """What is needed of each offer, in their order: refusals, what is there already, durable
        ranges."""

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        """Stages one file that came in one piece. Problems are kept and told by `commit`, never
        raised."""

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        """Stages a piece of a larger file, `offset` on. Problems are kept and told by `commit`."""

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        """The sender gives this file up: its staging is dropped.

        A checkpoint of it is kept for the next try, unless a person gave it up (CANCELLED).
        """

    def checkpoint(self) -> None:
        """Makes what has come of the larger files durable and records it."""

    def commit(self, batch: int) -> list[Receipt]:
        """Publishes the files of a batch whose every piece has come, durably; one receipt an offer.

        For an offer that was not wanted or refused, the receipt says so too ("done" for one that
        was there). Raises ProblemError only when nothing of the batch was committed.
        """

    def close(self) -> None:
        """The lane is over: checkpoints the larger files that were under way, drops other
        staging."""
