"""Blobs as the sink of a lane: contents come with their hashes, and are placed as they are."""

import threading
from collections.abc import Callable, Sequence

from cargo_sync.local.at_once import PublishesAtOnce
from cargo_sync.local.judge import OfferJudge
from cargo_sync.local.parts import Staged
from cargo_sync.local.space import Shortage
from cargo_sync.local.staging import Staging
from cargo_sync.local.staging_sink import StagingSink, failed
from cargo_sync.model.contents import is_hash
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.stores.blobs import BlobFolder, for_blobs
from cargo_sync.stores.contract import Content
from cargo_sync.stores.spool import BlobSpool

_Place = Callable[[Sequence[Staged]], list[Problem | None]]


class BlobArrivals:
    """What is on its way to a folder of blobs, over all lanes: its capacity is promised once."""

    def __init__(self, blobs: BlobFolder) -> None:
        self.blobs = blobs
        self._lock = threading.Lock()
        self._promised = 0

    def promise(self, sizes: Sequence[int]) -> int:
        """How many of these contents, from the first one on, there is room for; it is theirs now.

        Raises:
            ProblemError: the disk does not say what is free.
        """
        with self._lock:
            left = self.blobs.room().free - self._promised
            fit = 0
            for size in sizes:
                if size > left:
                    break
                left, fit = left - size, fit + 1
            self._promised += sum(sizes[:fit])
        return fit

    def end(self, size: int) -> None:
        """So many bytes have arrived, or were given up."""
        with self._lock:
            self._promised -= size


class _BlobJudge:
    """Wants each content that is not here, as long as there is room."""

    def __init__(self, arrivals: BlobArrivals) -> None:
        self._arrivals = arrivals
        self._promised: dict[int, int] = {}

    def judge(self, batch: int, offers: Sequence[Offer]) -> list[Want | None]:
        self._promised[batch] = 0
        known = self._arrivals.blobs.has([Content(one.path, one.size) for one in offers])
        wanted = [
            one.size
            for one, is_here in zip(offers, known, strict=True)
            if not is_here and _is_content(one)
        ]
        fit = self._arrivals.promise(wanted)
        self._promised[batch] = sum(wanted[:fit])
        answers: list[Want | None] = []
        for one, is_here in zip(offers, known, strict=True):
            if not _is_content(one):
                answers.append(_refusal(Code.BAD_REQUEST, "is not offered by its hash"))
            elif is_here:
                answers.append(Want("none"))
            elif fit:
                fit -= 1
                answers.append(None)
            else:
                answers.append(_refusal(Code.DISK_FULL, "has no room on this node"))
        return answers

    def no_room(self, offer: Offer, shortage: Shortage) -> Problem:
        words = f"the node's disk has {shortage.left:,} bytes left for {shortage.needed:,}"
        return Problem(Code.DISK_FULL, words, offer.path, "free some space on the node's disk")

    def ended(self, batch: int) -> None:
        self._arrivals.end(self._promised.pop(batch, 0))


class _SpoolJudge:
    """Wants each content, also one that is here: it could go before it is held."""

    def judge(self, _batch: int, offers: Sequence[Offer]) -> list[Want | None]:
        return [None] * len(offers)

    def no_room(self, offer: Offer, shortage: Shortage) -> Problem:
        words = f"the server's disk has {shortage.left:,} bytes left for {shortage.needed:,}"
        hint = "free some space on the disk of the server's state_dir"
        return Problem(Code.DISK_FULL, words, offer.path, hint)

    def ended(self, _batch: int) -> None:
        """Nothing was promised."""


class _PlacingSink(StagingSink, PublishesAtOnce):
    """A sink whose contents are placed; one thread uses it at a time."""

    def __init__(self, staging: Staging, judge: OfferJudge, place: _Place) -> None:
        super().__init__(staging, judge)
        self._place = place
        self._ended = judge.ended

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        """What is needed of each offer. Raises ProblemError if the batch cannot begin."""
        return super().begin(batch, for_blobs(offers))

    def commit(self, batch: int) -> list[Receipt]:
        """Places the complete contents, durably; returns one receipt per offer.

        Raises:
            ProblemError: there is no such batch.
        """
        begun = self.taken(batch)
        try:
            order = sorted(begun.staged)
            problems = self._place([begun.staged[index] for index in order])
        finally:
            self._ended(batch)
        for index, problem in zip(order, problems, strict=True):
            if problem is not None:
                begun.problems[index] = problem
        return [
            failed(begun, index) if index in begun.problems else Receipt("done", hash=offer.path)
            for index, offer in enumerate(begun.offers)
        ]


class BlobSink(_PlacingSink):
    """The sink of one flow to a folder of blobs."""

    def __init__(self, arrivals: BlobArrivals) -> None:
        blobs = arrivals.blobs
        super().__init__(blobs.staging, _BlobJudge(arrivals), blobs.place)


class SpoolSink(_PlacingSink):
    """The sink of a lane to a spool, which then holds each content once more."""

    def __init__(self, spool: BlobSpool) -> None:
        super().__init__(spool.staging, _SpoolJudge(), spool.place)


def _is_content(offer: Offer) -> bool:
    return is_hash(offer.path) and offer.hash == offer.path and not offer.target


def _refusal(code: Code, words: str) -> Want:
    return Want(code.value, message=f"this content {words}")
