"""Pieces: what a sender still has to read, and how it fills frames.

Small files share a frame until it has `ENOUGH` content; a larger file is sent in pieces of at most
one frame. A file is opened when its turn comes and closed after its last piece, so only one is open
at a time.
"""

from collections import deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from cargo_sync.lanes.current import WANTED
from cargo_sync.lanes.ports import Reader, RecordReader, Source
from cargo_sync.model.checkpoints import RESUMABLE, resumable
from cargo_sync.model.problems import Code, Problem, ProblemError, changed_while_read
from cargo_sync.model.transfers import Offer, Want
from cargo_sync.wire import records
from cargo_sync.wire.frames import PIECE
from cargo_sync.wire.messages import encode_problem
from cargo_sync.wire.records import LentRecord
from cargo_sync.wire.shared import SharedRecord

ENOUGH: Final = 256 << 10
"""A frame with so many bytes of content is sent without more."""
_CANCELLED: Final = Problem(Code.CANCELLED, "the transfer was cancelled", retry=False)


@dataclass(slots=True)
class _Batch:
    """One batch whose content is being sent.

    todo     indices of the files that are wanted
    partial  those of which only ranges are wanted
    begun    how many of these are begun
    left     number of files that are not completely sent
    stopped  indices of the files that were cancelled
    """

    number: int
    offers: Sequence[Offer]
    wants: Sequence[Want]
    todo: Sequence[int]
    partial: AbstractSet[int]
    left: int
    begun: int = 0
    stopped: set[int] = field(default_factory=set)


class Pieces:
    """The wanted content of batches, in their order.

    content  bytes that were written into frames
    zeros    bytes of the holes that were written into frames
    waiting  the source had the next content not yet, when `fill` asked last
    lent     the record that `fill` has made last, if it is not in the body: nothing else is in its
             frame
    """

    def __init__(self, source: Source) -> None:
        self.content = self.zeros = 0
        self.waiting = False
        self.lent: LentRecord | SharedRecord | None = None
        self._source = source
        self._batches: dict[int, _Batch] = {}
        # The file whose turn it is; its batch is always the first.
        self._offer: Offer | None = None
        self._batch = _Batch(0, (), (), (), frozenset(), 0)
        self._index = 0
        self._reader: Reader | None = None
        self._records: RecordReader | None = None
        """The same, if it may have records."""
        self._spans: deque[tuple[int, int]] | None = None
        self._ends: dict[int, int] = {}
        """What `content` was when all of a batch was sent."""

    def add(self, number: int, offers: Sequence[Offer], wants: Sequence[Want]) -> None:
        """Queues what is wanted of a batch. A link has no content: its offer has everything."""
        todo = [i for i, want in enumerate(wants) if want.code in WANTED and not offers[i].target]
        if todo:
            partial = {index for index in todo if wants[index].code == "ranges"}
            self._batches[number] = _Batch(number, offers, wants, todo, partial, len(todo))
            self._source.coming(map(offers.__getitem__, todo))

    def sized(self, offers: Sequence[Offer]) -> Sequence[Offer]:
        """The offers, with the holes of files for which that makes a difference."""
        if max(offer.size for offer in offers) < RESUMABLE:
            return offers
        return [
            offer._replace(holes=min(offer.size, self._source.holes(offer)))
            if resumable(offer.size)
            else offer
            for offer in offers
        ]

    def sent(self, number: int) -> bool:
        """True when nothing of the batch is left to be sent."""
        return number not in self._batches

    def stop(self, number: int, index: int) -> None:
        """Gives one file up, if it is not completely sent yet."""
        batch = self._batches.get(number)
        if batch and index < len(batch.offers):
            batch.stopped.add(index)

    def committed(self, number: int) -> int:
        """The receiver has committed this batch; returns what `content` was at its end."""
        return self._ends.pop(number, 0)

    def __bool__(self) -> bool:
        return bool(self._batches)

    def close(self) -> None:
        """Gives everything up."""
        self.waiting = False
        self._batches.clear()
        self._close_file()

    def fill(self, body: memoryview, used: int, limit: int) -> int:
        """Writes records into `body` at `used` until the frame is full; returns where they end.

        A file that cannot be read, or is not what was offered, becomes a FAIL record. At the first
        content that the source has not yet, the frame ends; the next call asks for it again.
        """
        self.waiting = False
        self.lent = None
        enough = min(ENOUGH, limit)
        limit = min(limit, PIECE)
        while used < enough and not self.waiting and self.lent is None:
            offer = self._offer or self._next()
            if offer is None:
                break
            whole = self._spans is None and offer.size <= limit
            if used and used + (offer.size if whole else limit) > limit:
                break
            if self._index in self._batch.stopped:
                used = self._fail(body, used, _CANCELLED)
                continue
            try:
                used = (
                    self._put_whole(body, used, enough, limit)
                    if whole
                    else self._put_piece(offer, body, used, limit)
                )
            except ProblemError as error:
                used = self._fail(body, used, error.problem)
        return used

    def _next(self) -> Offer | None:
        for batch in self._batches.values():
            self._batch, index = batch, batch.todo[batch.begun]
            batch.begun += 1
            self._index, self._offer = index, batch.offers[index]
            if index in batch.partial:
                self._spans = deque(batch.wants[index].ranges)
            return self._offer
        return None

    def _put_whole(self, body: memoryview, used: int, enough: int, limit: int) -> int:
        """Writes the current file and, of those after it in its batch, what the frame has room for.

        They are read together: most of them are neighbours in a folder.
        """
        batch = self._batch
        group, offers, views = self._group(body, used, enough, limit)
        unread = self._source.read(offers, views)
        read = len(group) if unread is None else unread.number
        flags, pack, number = records.FINAL | records.WHOLE, records.HEADER.pack_into, batch.number
        begin = used
        for index, view in zip(group[:read], views, strict=False):
            size = len(view)
            pack(body, used, records.DATA, flags, index, number, size, 0)
            used += records.SIZE + size
        self.content += used - begin - records.SIZE * read
        self._done(read)
        if unread is None:
            return used
        if unread.problem is None:
            self.waiting = True
            batch.begun -= len(group) - read
            return used
        self._index = group[read]
        batch.begun -= len(group) - read - 1
        return self._fail(body, used, unread.problem)

    def _group(
        self, body: memoryview, used: int, enough: int, limit: int
    ) -> tuple[list[int], list[Offer], list[memoryview]]:
        """The files of a frame from the current one on, and where each goes; they are begun now."""
        batch = self._batch
        group: list[int] = []
        offers: list[Offer] = []
        views: list[memoryview] = []
        stopped, partial = batch.stopped, batch.partial
        for index in islice(batch.todo, batch.begun - 1, None):
            offer = batch.offers[index]
            size = offer.size
            if group and (
                used >= enough or used + size > limit or index in stopped or index in partial
            ):
                break
            start = used + records.SIZE
            used = start + size
            group.append(index)
            offers.append(offer)
            views.append(body[start:used])
        batch.begun += len(group) - 1
        return group, offers, views

    def _put_piece(self, offer: Offer, body: memoryview, at: int, limit: int) -> int:
        reader, spans = self._begun(offer)
        offset, until = spans[0] if spans else (offer.size, offer.size)
        end, hole = reader.extent(offset, until) if offset < until else (until, False)
        count = end - offset if hole else min(end - offset, limit)
        start = at + records.SIZE
        view = body[start : start + (records.ZEROS.size if hole else count)]
        is_last = offset + count >= until and len(spans) <= 1
        kind, flags = records.HOLE if hole else records.DATA, records.FINAL if is_last else 0
        fields = kind, flags, self._index, self._batch.number, len(view), offset
        if hole:
            records.ZEROS.pack_into(view, 0, count)
        elif self._records is not None and not at:
            self.lent = self._records.record(records.HEADER.pack(*fields), offset, count)
        if self.lent is None:
            if count and not hole and not self._read(reader, offer, view, offset):
                self.waiting = True
                return at
            records.HEADER.pack_into(body, at, *fields)
        # Only the last piece needs this check. It is done for each piece, so that a file that
        # changed early is not sent to its end.
        if not reader.unchanged():
            raise ProblemError(changed_while_read(offer.path))
        self._went(offset + count, hole=count if hole else 0, content=0 if hole else count)
        return start + len(view)

    def _begun(self, offer: Offer) -> tuple[Reader, deque[tuple[int, int]]]:
        """The current file, opened, and which ranges of it are to be sent."""
        if self._reader is None:
            self._reader = self._source.open(offer)
            self._records = self._reader if isinstance(self._reader, RecordReader) else None
        if self._spans is None:
            self._spans = deque([(0, offer.size)] if offer.size else ())
        return self._reader, self._spans

    def _went(self, end: int, *, hole: int, content: int) -> None:
        """A piece of the current file that ends there was written into a frame."""
        spans = self._spans
        if spans and end < spans[0][1]:
            spans[0] = (end, spans[0][1])
        elif spans:
            spans.popleft()
        self.zeros += hole
        self.content += content
        if not spans:
            self._done()

    def _read(self, reader: Reader, offer: Offer, view: memoryview, offset: int) -> bool:
        """Fills `view`; False if the content is not here yet."""
        count = reader.read_into(view, offset)
        if count is None:
            return False
        if count != len(view):
            raise ProblemError(changed_while_read(offer.path))
        return True

    def _fail(self, body: memoryview, at: int, problem: Problem) -> int:
        lent, self.lent = self.lent, None
        if lent is not None:
            lent.let_go()
        payload = memoryview(encode_problem(problem))
        record = records.Record(records.FAIL, 0, self._index, self._batch.number, 0, payload)
        self._done()
        return records.put(body, at, record)

    def _done(self, files: int = 1) -> None:
        """The current file, or so many from it on, were sent completely or were given up."""
        batch = self._batch
        batch.left -= files
        if not batch.left:
            del self._batches[batch.number]
            self._ends[batch.number] = self.content
        self._close_file()

    def _close_file(self) -> None:
        self._offer = self._spans = self._records = None
        reader, self._reader = self._reader, None
        if reader:
            reader.close()
