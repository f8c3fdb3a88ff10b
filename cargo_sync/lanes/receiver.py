"""The receiving end of a lane: the server's in an upload, the client's in a download."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from cargo_sync.lanes.arriving import Arriving
from cargo_sync.lanes.current import CurrentFile
from cargo_sync.lanes.end import SILENCE_SECONDS, Clock, End, OnGrant, OnReceipts
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import Unpaced
from cargo_sync.lanes.ports import Budget, Sink, Wake
from cargo_sync.lanes.states import LaneState
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.wire import messages, records
from cargo_sync.wire.messages import Payload
from cargo_sync.wire.refusal import breach

CHECKPOINT_BYTES: Final = 64 << 20
CHECKPOINT_SECONDS: Final = 5.0
COUNT_SECONDS: Final = 0.5
"""How often the sender is told what has arrived."""
REPORT_SECONDS: Final = 2.0
"""How long a client waits for the sender's measurements of a committed batch."""


class _Committed(NamedTuple):
    """A committed batch, of which the sender may still report lost frames.

    order  how many batches are committed, with this one
    at     when, by the lane's clock
    """

    order: int
    batch: int
    receipts: list[Receipt]
    at: float

    @property
    def until(self) -> float:
        """When the sender's measurements are not waited for any more."""
        return self.at + REPORT_SECONDS


class Receiver(End):
    """Stages what arrives and commits it, batch by batch.

    A sink may publish a batch later, and may be full. Meanwhile the lane lives: it sends pings and
    receipts, and can be cancelled. While the sink is full, nothing is received: the channel fills
    up, and the other end waits.

    client       True for a download: `ask` for batches, then `finish`. False for an upload: the
                 client offers
    on_receipts  called in the lane's thread for each batch that `sink` committed: in a download
                 when `report` covers the whole batch, or cannot any more
    budget       server: how much its client may have open; None: no limit
    """

    def __init__(
        self,
        link: Link,
        sink: Sink,
        clock: Clock,
        *,
        client: bool,
        on_receipts: OnReceipts | None = None,
        on_grant: OnGrant | None = None,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(link, clock, client, Unpaced(), on_grant, budget)
        self._sink = sink
        link.let_go = sink.settle
        sink.exchanges(link.exchange)
        self._sink_closed = False
        self._submitted: set[int] = set()
        """Batches that the sink has not finished yet; they are still open."""
        self._on_receipts = on_receipts
        self._open: dict[int, Arriving] = {}
        self._held: dict[int, tuple[int, int]] = {}
        """What each batch takes of the budget."""
        self._newest = -1
        self._committed = 0
        self._unreported: deque[_Committed] = deque()
        self._unsaved = 0
        self._saved_at = 0.0
        self._told = 0
        self._tell_at = -math.inf
        self._handlers[records.DATA] = self._take_content
        self._handlers[records.HOLE] = self._take_hole
        self._handlers[records.FAIL] = self._take_fail
        self._join(records.REPORT, self._take_report, lambda _: messages.SHORT_MAX)
        if not client:
            self._join_openings(records.OFFER, self._take_offers)
            self._handlers[records.CANCEL] = self._take_cancel

    def wakes(self, wake: Wake) -> None:
        self._sink.wakes(wake)

    def ask(self, batch: int, offers: Sequence[Offer]) -> None:
        """Client: queues a batch of 1 to 65,535 offers.

        The numbers of batches must rise. At most 8 batches are open at once. When the batch's turn
        comes, the sink decides what it needs.
        """
        self._waiting.append((batch, offers))

    def stop(self, batch: int, index: int) -> None:
        """Asks the sender to give one file up ("cancelled"); pieces already sent still arrive."""
        if batch in self._open:
            self._queue(records.CANCEL, batch, index)
        elif self._waits(batch):
            self._stopped.setdefault(batch, set()).add(index)

    def due(self) -> float:
        due = super().due()
        if self._unsaved:
            due = min(due, self._saved_at + CHECKPOINT_SECONDS)
        if self._unreported:
            due = min(due, self._unreported[0].until)
        if self._current.now and not self.link.pending and self._arrived() != self._told:
            due = min(due, self._tell_at)
        return due

    # -- what arrives ---------------------------------------------------------------------------

    def _take_offers(self, batch: int, payload: Payload | None) -> bool:
        if not self._in_turn(batch, self._newest):
            raise breach(f"batch {batch} was offered out of turn")
        self._newest = max(self._newest, batch)
        if payload is None:
            return False
        with self._budget.turn(len(payload)):
            offers = messages.decode_offers(payload)
            if not self._budget.take(len(offers), 0):
                return False
        if not self._sink.is_ready(offers):
            self._budget.give(len(offers), 0)
            return False
        self._held[batch] = (len(offers), len(payload))
        arriving = self._arrive(batch, offers)
        self._queue(records.WANT, batch, payload=messages.encode_wants(arriving.wants))
        self._commit_if_complete(batch, arriving)
        return True

    def _take_content(
        self, flags: int, index: int, batch: int, offset: int, payload: memoryview
    ) -> None:
        arriving = self._open.get(batch)
        if arriving is None:
            raise breach(f"content came for batch {batch}, which is not open")
        count = len(payload)
        if flags & records.WHOLE:
            if offset or not flags & records.FINAL:
                raise breach("a record of a whole file does not begin or end with the file")
            arriving.take_whole(index, count)
            self._sink.whole(batch, index, payload)
            missing = 0
        else:
            missing = arriving.take_piece(index, offset, count, bool(flags & records.FINAL))
            if count:
                self._sink.part(batch, index, offset, payload)
                self._note_unsaved(count)
        self._current.reach(batch, index, arriving.offers[index], missing)
        self._content += count
        if not arriving.left:
            self._commit_if_complete(batch, arriving)

    def _take_hole(
        self, flags: int, index: int, batch: int, offset: int, payload: memoryview
    ) -> None:
        """As `_take_content`; nothing of a hole came over the lane."""
        arriving = self._open.get(batch)
        if arriving is None:
            raise breach(f"a hole came for batch {batch}, which is not open")
        if flags & records.WHOLE or len(payload) != records.ZEROS.size:
            raise breach("a hole is not one number")
        (count,) = records.ZEROS.unpack(payload)
        if not count:
            raise breach("a hole is empty")
        missing = arriving.take_piece(index, offset, count, bool(flags & records.FINAL))
        self._sink.hole(batch, index, offset, count)
        self._note_unsaved(count)
        self._had += count
        self._current.reach(batch, index, arriving.offers[index], missing)
        if not arriving.left:
            self._commit_if_complete(batch, arriving)

    def _take_fail(
        self, _flags: int, index: int, batch: int, _offset: int, payload: memoryview
    ) -> None:
        arriving = self._open.get(batch)
        if arriving is None:
            raise breach(f"a file of batch {batch}, which is not open, was given up")
        arriving.give_up(index)
        problem = messages.decode_problem(payload)
        self._sink.failed(batch, index, replace(problem, path=arriving.offers[index].path))
        self._commit_if_complete(batch, arriving)

    def _take_report(self, committed: int, payload: Payload) -> None:
        self.report = messages.decode_report(payload)
        while self._unreported and self._unreported[0].order <= committed:
            self._pass_on()

    def _take_cancel(
        self, _flags: int, index: int, _batch: int, _offset: int, _payload: memoryview
    ) -> None:
        if index != records.EVERYTHING:
            raise breach("a sender cannot ask to cancel one file")
        self.cancel()

    # -- batches --------------------------------------------------------------------------------

    def _begin(self, batch: int, offers: Sequence[Offer]) -> None:
        arriving = self._arrive(batch, offers)
        self._queue(records.ASK, batch, payload=messages.encode_ask(offers, arriving.wants))
        self._commit_if_complete(batch, arriving)
        for index in self._stopped.pop(batch, ()):
            self.stop(batch, index)

    def _open_again(self, batch: int) -> None:
        asked = self._open[batch]
        self._queue(records.ASK, batch, payload=messages.encode_ask(asked.offers, asked.wants))

    def _arrive(self, batch: int, offers: Sequence[Offer]) -> Arriving:
        problem = None
        try:
            wants = self._sink.begin(batch, offers)
        except ProblemError as error:
            problem = error.problem
            wants = [Want(problem.code_text, message=str(problem))] * len(offers)
        self._note_begun(batch, offers, wants)
        arriving = self._open[batch] = Arriving(offers, wants, problem)
        return arriving

    def _commit_if_complete(self, batch: int, arriving: Arriving) -> None:
        if arriving.left:
            return
        if arriving.refused:
            self._finish(batch, arriving.refused)
            return
        self._submitted.add(batch)
        self._sink.submit(batch)
        if not any(other.under_way() for other in self._open.values()):
            self._unsaved = 0
        self._take_finished()

    def _take_finished(self) -> None:
        for batch, result in self._sink.finished():
            self._submitted.remove(batch)
            self._finish(batch, result)

    def _finish(self, batch: int, result: list[Receipt] | Problem) -> None:
        """A batch is committed, or nothing of it can be."""
        arriving = self._open.pop(batch)
        receipts = (
            [_refusal(result)] * len(arriving.offers) if isinstance(result, Problem) else result
        )
        self._current.committed(batch)
        self._committed += 1
        now = self._clock()
        self._unreported.append(_Committed(self._committed, batch, receipts, now))
        if not self._client:
            self._pass_on()
        self._queue(records.RECEIPT, batch, payload=messages.encode_receipts(receipts))
        if batch in self._held:
            self._outgoing.settle(self._held.pop(batch))
        self._postponed.room_came(self._clock())

    def _drop_content(self) -> None:
        """The sink is full, but the server's BYE comes behind what is on its way: that is lost."""
        self.reading = True
        for kind in (records.DATA, records.HOLE, records.FAIL):
            self._handlers[kind] = _dropped

    def _pass_on(self) -> None:
        committed = self._unreported.popleft()
        self.committed_at = committed.at
        if self._on_receipts:
            self._on_receipts(committed.batch, committed.receipts)

    def _note_unsaved(self, count: int) -> None:
        if not self._unsaved:
            self._saved_at = self._clock()
        self._unsaved += count
        if self._unsaved >= CHECKPOINT_BYTES:
            self._unsaved = 0
            self._sink.checkpoint()

    def _tend(self, now: float) -> None:
        if self._submitted:
            self._active_at = now  # it is our sink that takes so long
            self._take_finished()
        self.reading = self._sink_closed or not self._sink.full()
        if not self.reading:
            self._active_at = now
            if self._state is LaneState.CANCELLED:
                self._drop_content()
        if self._unsaved and now - self._saved_at >= CHECKPOINT_SECONDS:
            self._unsaved = 0
            self._sink.checkpoint()
        while self._unreported and now >= self._unreported[0].until:
            self._pass_on()
        if now >= self._tell_at and self._current.now:
            self._tell_count(now, self._current.now)
        super()._tend(now)

    def _tell_count(self, now: float, current: CurrentFile) -> None:
        """Tells the sender what is here, if that has changed."""
        arrived = self._arrived()
        if arrived == self._told or self.link.pending:
            return
        self._told, self._tell_at = arrived, now + COUNT_SECONDS
        done = min(current.offer.size, current.done + self._partial())
        self._queue(
            records.PING, current.batch, current.number, messages.encode_count(arrived), done
        )

    def _arrived(self) -> int:
        return self._content + self._partial()

    # -- the rest -------------------------------------------------------------------------------

    def _open_batches(self) -> int:
        return len(self._open)

    def _open_offers(self) -> int:
        return sum(len(arriving.offers) for arriving in self._open.values())

    def _is_unanswered(self, batch: int) -> bool:
        return batch in self._open  # the answer to a question is the content itself

    def _before_bye(self) -> None:
        """A receiver has nothing left to send: all receipts are queued already."""

    def _stop(self) -> None:
        # A client still accepts what arrives until the server sends BYE: these bytes were already
        # sent.
        if not self._client:
            self._close()

    def _close(self) -> None:
        try:
            self._tell_published()
            if not self._sink_closed:
                self._sink_closed = True
                self._sink.close()
        finally:
            self._tell_published()  # a sink may publish something while it is closed
            self._submitted.clear()
            self._open.clear()
            self._current.clear()
            self._unsaved = 0

    def _tell_published(self) -> None:
        """What is published is told, if that can still be done."""
        if self._submitted:
            self._take_finished()
        while self._unreported:
            self._pass_on()

    def _patience(self) -> float:
        return SILENCE_SECONDS

    def _ping_flags(self) -> int:
        return records.BUSY if self._submitted or not self.reading else 0

    def _partial(self) -> int:
        return max(0, self.link.partial - records.SIZE) if self._current.now else 0


def _dropped(*_: object) -> None:
    """A record of a lane that was cancelled, when its sink was full."""


def _refusal(problem: Problem) -> Receipt:
    return Receipt(problem.code_text, message=str(problem), retry=problem.retry)
