"""The file that is under way on a lane: where its receiver is."""

from collections.abc import Sequence
from typing import NamedTuple

from cargo_sync.model.transfers import Offer, Want

WANTED = ("all", "ranges")


class CurrentFile(NamedTuple):
    """One file of a batch that is not committed.

    number   its index in the batch
    missing  bytes that the receiver has not got
    """

    batch: int
    number: int
    offer: Offer
    missing: int

    @property
    def done(self) -> int:
        """Bytes that the receiver has, also from earlier tries."""
        return self.offer.size - self.missing


class CurrentFiles:
    """Follows the receiver from file to file, at both ends of a lane.

    Content comes batch by batch. So the file under way is the one of which something came last;
    until something comes of a batch, it is its first file.
    """

    def __init__(self) -> None:
        self._now: tuple[int, int, Offer, int] | None = None
        """The fields of `now`: many files come between two looks at it."""
        self._first: dict[int, CurrentFile] = {}

    @property
    def now(self) -> CurrentFile | None:
        """That file; None if no batch waits for content. Any thread may read it."""
        now = self._now
        return now and CurrentFile._make(now)

    def begin(self, batch: int, offers: Sequence[Offer], wants: Sequence[Want]) -> None:
        """A batch begins, of which this is wanted."""
        for index, (offer, want) in enumerate(zip(offers, wants, strict=True)):
            if want.code in WANTED and not offer.target:
                missing = offer.size if want.code == "all" else missing_of(want)
                self._first[batch] = CurrentFile(batch, index, offer, missing)
                break
        if self._now is None:
            self._to_first()

    def reach(self, batch: int, index: int, offer: Offer, missing: int) -> None:
        """Something of this file came."""
        self._now = batch, index, offer, missing

    def committed(self, batch: int) -> None:
        """A batch is committed: what comes next belongs to another one."""
        self._first.pop(batch, None)
        if self._now is not None and self._now[0] == batch:
            self._to_first()

    def clear(self) -> None:
        self._first.clear()
        self._now = None

    def _to_first(self) -> None:
        self._now = next(iter(self._first.values()), None)


def missing_of(want: Want) -> int:
    """Bytes in the ranges of a want."""
    return sum(end - start for start, end in want.ranges)
