"""A source without files and a sink without a disk: a lane's end that has next to nothing to do."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Final

from cargo_sync.lanes.ports import Reader, Wake
from cargo_sync.local.at_once import PublishesAtOnce
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt, Unread, Want

HASH: Final = "0" * 64
"""What the sink says that the BLAKE3 of each file is: it computes none."""


class NoFiles:
    """A source. The content of each file is what the lane's buffer happens to hold."""

    def wakes(self, wake: Wake) -> None:
        """All is here."""

    def coming(self, offers: Iterable[Offer]) -> None:
        """All is here."""

    def open(self, offer: Offer) -> Reader:
        return _NoFile(offer.size)

    def close(self) -> None:
        """Nothing is open."""

    def holes(self, offer: Offer) -> int:
        return 0

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        return None


class _NoFile:
    __slots__ = ("_size",)

    def __init__(self, size: int) -> None:
        self._size = size

    def read_into(self, view: memoryview, offset: int) -> int:
        return min(len(view), self._size - offset)

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        return until, False

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing was opened."""


class NoDisk(PublishesAtOnce):
    """A sink that wants everything, keeps nothing, and says that all is done.

    received  bytes of content
    """

    def __init__(self) -> None:
        self.received = 0
        self._batches: dict[int, Sequence[Offer]] = {}
        self._numbers = itertools.count(1)

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        self._batches[batch] = offers
        return [Want("all")] * len(offers)

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        self.received += len(content)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        self.received += len(content)

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        """No file of this source has one."""

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        """A file that is never asked for again."""

    def checkpoint(self) -> None:
        """Nothing is kept."""

    def settle(self) -> None:
        """Nothing is being written."""

    def commit(self, batch: int) -> list[Receipt]:
        return [
            Receipt("done", number, number, offer.mtime_ns, offer.mode, HASH)
            for offer, number in zip(self._batches.pop(batch), self._numbers, strict=False)
        ]

    def close(self) -> None:
        self._batches.clear()
