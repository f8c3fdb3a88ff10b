"""What comes into a workspace: one file over plain HTTP, and what a drop box adds to a flow."""

from collections.abc import Callable, Sequence
from typing import Protocol

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.model.entries import Entry
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer

Admit = Callable[[Catalogued | None], object]
"""Raises ProblemError when the entry at the path is not what the request expects."""


class Upload(Protocol):
    """One file that comes over plain HTTP, in order. Call `drop` at the end, in any case.

    A request that is cut off may leave a thread that still writes; so each step waits for the
    previous one.
    """

    @property
    def published(self) -> bool:
        """Whether it is at its place."""

    @property
    def offset(self) -> int:
        """Bytes that are staged."""

    @property
    def is_current(self) -> bool:
        """Whether it is staged where the workspace still looks for it."""

    def check(self) -> None:
        """Looks at what is there now. Raises ProblemError if `admit` refuses it."""

    def append(self, offset: int, content: memoryview) -> int:
        """Writes and records the piece that comes next.

        Returns:
            Where the next piece begins.

        Raises:
            ProblemError: `stale`, if the piece does not begin at `offset`; `too_large`, if it ends
                after the end of the file; the disk fails.
        """

    def digest(self, start: int, end: int) -> str:
        """The SHA-256 of bytes [start, end), which are staged, in hex. Raises ProblemError."""

    def write(self, content: bytes | bytearray) -> None:
        """Writes the next bytes.

        Raises:
            ProblemError: there are more bytes than announced, or the disk fails.
        """

    def sent_by(self, cause: ChangeCause) -> None:
        """Who sends it now: the history names whoever sends the last piece."""

    def publish(self) -> tuple[Catalogued, bool]:
        """Publishes the file, durably. What was recorded of it stays if it is refused.

        Returns:
            The entry, and whether it is a new one.

        Raises:
            ProblemError: `incomplete`; `admit` refuses what is there by now, or it is `over_quota`
                in its place; the disk fails.
        """

    def drop(self) -> None:
        """Deletes what was staged and not published, and could not go on."""


class Additions(Protocol):
    """What a drop box adds to a flow: only new files come, and each gets a receipt.

    The flow calls it in its own thread, with paths of the workspace. A kill of the server may come
    when files are at their places, and their receipts are not written yet. So it is noted before
    what comes where. When the same file is offered again, and is there as it was noted, it gets its
    receipt; to anybody else the place is occupied.
    """

    def has_come(self, offer: Offer, there: Entry) -> bool:
        """Whether the entry may be what came from this sender just before a kill.

        It is if its content is that of the offer, too, or the offer does not know it.
        """

    def intend(self, offers: Sequence[Offer]) -> None:
        """These are about to be there."""

    def coming(self) -> None:
        """Some are being recorded: until `arrived` it is not known whether they are there."""

    def arrived(self, offers: Sequence[Offer], there: Sequence[Entry]) -> list[Catalogued]:
        """These are there, durably; returns what is noted of each."""

    def ended(self) -> None:
        """A batch has ended: what did not arrive of it never will."""

    def occupied(self, path: str) -> Problem:
        """The problem of a file for a place where something is."""
