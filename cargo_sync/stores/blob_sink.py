"""Blobs as the sink of a lane: contents come with their hashes, and are placed as they are.

To a node they also come without (`unnamed`): it keeps one of these per lane until it is asked for.
"""

import threading
from collections.abc import Callable, Sequence

from cargo_sync.local.at_once import PublishesAtOnce
from cargo_sync.local.batch import SinkBatch
from cargo_sync.local.judge import OfferJudge
from cargo_sync.local.parts import PartFile, Staged
from cargo_sync.local.space import Shortage
from cargo_sync.local.staging import Staging
from cargo_sync.local.staging_sink import StagingSink, failed
from cargo_sync.model.contents import is_hash
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.stores.blobs import BlobFolder, for_blobs
from cargo_sync.stores.contract import Content
from cargo_sync.stores.spool import BlobSpool
from cargo_sync.stores.unnamed import LONGEST, NoCheckpoints, is_unnamed

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
    """Wants each content that is not here, as long as there is room.

    kept     the content that has come whole over this lane, and has no name yet
    claimed  those that were kept, and were asked for: they belong to the batch with this number
    """

    def __init__(self, arrivals: BlobArrivals) -> None:
        self._arrivals = arrivals
        self._promised: dict[int, int] = {}
        self.kept: dict[Content, Staged] = {}
        self.claimed: dict[tuple[int, Content], Staged] = {}

    def judge(self, batch: int, offers: Sequence[Offer]) -> list[Want | None]:
        self._promised[batch] = 0
        contents = [Content(one.path, one.size) for one in offers]
        known = self._arrivals.blobs.has(contents)
        if self.kept:
            known = [
                self._claim(batch, content) or is_here
                for content, is_here in zip(contents, known, strict=True)
            ]
        wanted = [
            one.size
            for one, is_here in zip(offers, known, strict=True)
            if not is_here and (_is_content(one) or is_unnamed(one))
        ]
        fit = self._arrivals.promise(wanted)
        self._promised[batch] = sum(wanted[:fit])
        answers: list[Want | None] = []
        for one, is_here in zip(offers, known, strict=True):
            if not (_is_content(one) or is_unnamed(one)):
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

    def keep(self, batch: int, one: Staged) -> None:
        """It stays, with its promised room, until it is let go."""
        self._promised[batch] -= one.size
        self.kept[Content(one.hash, one.size)] = one

    def claimed_of(self, batch: int, content: Content) -> Staged | None:
        """What was kept of a content that a batch asks for; its room is promised no more."""
        found = self.claimed.pop((batch, content), None)
        if found is not None:
            self._arrivals.end(content.size)
        return found

    def forget(self, *, claimed: bool) -> list[Staged]:
        """What was kept, also for batches that asked for it; its room is promised no more."""
        gone = [*self.kept.values()]
        self.kept.clear()
        if claimed:
            gone += self.claimed.values()
            self.claimed.clear()
        self._arrivals.end(sum(one.size for one in gone))
        return gone

    def _claim(self, batch: int, content: Content) -> bool:
        found = self.kept.pop(content, None)
        if found is not None:
            self.claimed[batch, content] = found
        return found is not None


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
            kept = self._set_aside(begun)
            order = sorted(begun.staged)
            problems = self._place([begun.staged[index] for index in order])
        finally:
            self._ended(batch)
        for index, problem in zip(order, problems, strict=True):
            if problem is not None:
                begun.problems[index] = problem
        shown = self._shown()
        return [
            failed(begun.problems[index])
            if index in begun.problems
            else Receipt("done", version=shown, hash=kept.get(index, offer.path))
            for index, offer in enumerate(begun.offers)
        ]

    def _shown(self) -> int:
        """The version of receipts."""
        return 0

    def _set_aside(self, begun: SinkBatch) -> dict[int, str]:
        """Takes what is not to be placed out of a batch, and adds what was kept for it.

        Returns the hashes of the former, by index.
        """
        return {}


class BlobSink(_PlacingSink):
    """The sink of one flow to a folder of blobs."""

    def __init__(self, arrivals: BlobArrivals, steady: Callable[[], float]) -> None:
        """`steady` reads a monotonic clock."""
        blobs = self._blobs = arrivals.blobs
        self._judged = _BlobJudge(arrivals)
        self._steady = steady
        self._since: dict[tuple[int, int], float] = {}
        """When the contents without a name began that are coming: by batch and index."""
        super().__init__(blobs.staging, self._judged, blobs.place)

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        """As of all of these sinks; what was kept goes if another one comes without a name."""
        coming = [index for index, offer in enumerate(offers) if is_unnamed(offer)]
        if coming:
            self._forget()
        wants = super().begin(batch, offers)
        self._since.update(dict.fromkeys(((batch, index) for index in coming), self._steady()))
        return wants

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        since = self._since.get((batch, index))
        if since is not None and self._steady() - since > LONGEST:
            del self._since[batch, index]
            words = "this content took too long to come without a name"
            self.failed(batch, index, Problem(Code.TIMEOUT, words))
        super().part(batch, index, offset, content)

    def close(self) -> None:
        super().close()
        self._forget(claimed=True)

    def _part(self, offer: Offer) -> PartFile:
        if is_unnamed(offer):
            return self._blobs.staging.fleeting(offer, NoCheckpoints())
        return super()._part(offer)

    def _set_aside(self, begun: SinkBatch) -> dict[int, str]:
        kept = dict[int, str]()
        for index, offer in enumerate(begun.offers):
            if is_unnamed(offer):
                self._since.pop((begun.number, index), None)
                if (one := begun.staged.pop(index, None)) is not None:
                    self._forget()
                    self._judged.keep(begun.number, one)
                    kept[index] = one.hash
                continue
            one = self._judged.claimed_of(begun.number, Content(offer.path, offer.size))
            if one is not None:
                begun.staged[index] = one
        return kept

    def _shown(self) -> int:
        return self._blobs.shown()

    def _forget(self, *, claimed: bool = False) -> None:
        """Removes what was kept."""
        for one in self._judged.forget(claimed=claimed):
            self._staging.discard(one)


class SpoolSink(_PlacingSink):
    """The sink of a lane to a spool, which then holds each content once more."""

    def __init__(self, spool: BlobSpool) -> None:
        super().__init__(spool.staging, _SpoolJudge(), spool.place)


def _is_content(offer: Offer) -> bool:
    return is_hash(offer.path) and offer.hash == offer.path and not offer.target


def _refusal(code: Code, words: str) -> Want:
    return Want(code.value, message=f"this content {words}")
