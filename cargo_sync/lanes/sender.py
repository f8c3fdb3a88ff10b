"""The sending end of a lane: the client's in an upload, the server's in a download."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from cargo_sync.lanes.current import WANTED
from cargo_sync.lanes.end import (
    BUSY_SECONDS,
    SILENCE_SECONDS,
    Clock,
    End,
    OnGrant,
    OnReceipts,
)
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import Pace, Unpaced
from cargo_sync.lanes.pieces import Pieces
from cargo_sync.lanes.ports import Budget, Source, Wake
from cargo_sync.lanes.states import BYE_QUEUED, LaneState
from cargo_sync.machines.pacing import frame_limit
from cargo_sync.model.transfers import Offer, Want
from cargo_sync.wire import messages, records
from cargo_sync.wire.frames import PIECE
from cargo_sync.wire.messages import LinkReport, Payload
from cargo_sync.wire.refusal import breach

REPORT_SECONDS: Final = 1.0
RECEIPTS_OF_ASK: Final = 4
"""The receipts of a batch may be so many times as long as the request for it, beyond a record."""

OnSent = Callable[[Sequence[Offer]], None]
"""Called with the files that the other end has received; in the lane's thread."""


class Sender(End):
    """Reads files and sends them.

    client       True for an upload: `offer` batches, then `finish`. False for a download: the
                 client asks
    pace         keeps the granted speed; None: no limit
    on_receipts  called in the lane's thread for each batch that the receiver committed
    budget       server: how much its client may have open; None: no limit
    on_sent      server: called in the lane's thread with the files of a batch that its client has
                 received, when it has committed the batch
    """

    def __init__(
        self,
        link: Link,
        source: Source,
        clock: Clock,
        *,
        client: bool,
        pace: Pace | None = None,
        on_receipts: OnReceipts | None = None,
        on_grant: OnGrant | None = None,
        budget: Budget | None = None,
        on_sent: OnSent | None = None,
    ) -> None:
        super().__init__(link, clock, client, pace or Unpaced(), on_grant, budget)
        self._source = source
        self._pieces = Pieces(source)
        self._on_receipts = on_receipts
        self._on_sent = on_sent
        self._wanted: dict[int, Sequence[Want]] = {}
        """What was asked for of each batch, if `on_sent` wants to know."""
        self._open: dict[int, Sequence[Offer]] = {}
        self._unanswered: set[int] = set()
        self._held: dict[int, tuple[int, int]] = {}
        """What each batch takes of the budget."""
        self._newest = -1
        self._committed = 0
        self._reported_at = -math.inf
        self._reported: tuple[int, LinkReport] = (0, LinkReport())
        self._join(records.RECEIPT, self._take_receipts, self._longest_receipts)
        self._handlers[records.CANCEL] = self._take_cancel
        if client:
            self._join(records.WANT, self._take_wants, lambda _: messages.MESSAGE_MAX)
        else:
            self._join_openings(records.ASK, self._take_ask)

    def wakes(self, wake: Wake) -> None:
        self._source.wakes(wake)

    def offer(self, batch: int, offers: Sequence[Offer]) -> None:
        """Client: queues a batch of 1 to 65,535 offers.

        The numbers of batches must rise. At most 8 batches are open at once.
        """
        self._waiting.append((batch, offers))

    def stop(self, batch: int, index: int) -> None:
        """Gives one file up ("cancelled"), if it is not completely sent yet.

        This also works before the batch's turn comes.
        """
        if batch in self._unanswered or self._waits(batch):
            self._stopped.setdefault(batch, set()).add(index)
        else:
            self._pieces.stop(batch, index)

    def due(self) -> float:
        due = super().due()
        if not self._pieces or self.link.pending or self._pieces.waiting:
            return due
        return min(due, self._pace.ready_at(self._clock()))

    # -- what arrives ---------------------------------------------------------------------------

    def _take_wants(self, batch: int, payload: Payload) -> None:
        if batch not in self._unanswered:
            raise breach(f"batch {batch} was answered, but not offered")
        self._unanswered.discard(batch)
        self._postponed.room_came(self._clock())
        offers = self._open[batch]
        wants = messages.decode_wants(payload, offers)
        self._note_begun(batch, offers, wants)
        stopped = self._stopped.pop(batch, ())
        if self._state is not LaneState.CANCELLED:
            self._pieces.add(batch, offers, wants)
            for index in stopped:
                self._pieces.stop(batch, index)

    def _take_ask(self, batch: int, payload: Payload | None) -> bool:
        if not self._in_turn(batch, self._newest):
            raise breach(f"batch {batch} was asked for out of turn")
        self._newest = max(self._newest, batch)
        if payload is None:
            return False
        with self._budget.turn(len(payload)):
            offers, wants = messages.decode_ask(payload)
            if not self._budget.take(len(offers), 0):
                return False
        self._held[batch] = (len(offers), len(payload))
        self._open[batch] = offers
        if self._on_sent:
            self._wanted[batch] = wants
        self._note_begun(batch, offers, wants)
        self._pieces.add(batch, offers, wants)
        return True

    def _take_ping(
        self, flags: int, index: int, batch: int, offset: int, payload: memoryview
    ) -> None:
        """As of any end; a receiver may also say how far it is.

        Only its word counts: what the channel took may wait in a buffer, a tunnel or a proxy.
        """
        super()._take_ping(flags, index, batch, offset, payload)
        if not payload:
            return
        offers = self._open.get(batch, ())
        if index < len(offers):  # a batch may wait for room, or be cancelled
            offer = offers[index]
            self._current.reach(batch, index, offer, max(0, offer.size - offset))
        count = min(messages.decode_count(payload), self._pieces.content)
        if count > self._content:
            self._content = count
            self._active_at = self._clock()  # what the channel took long ago still arrives

    def _take_receipts(self, batch: int, payload: Payload) -> None:
        offers = self._open.get(batch)
        if offers is None or batch in self._unanswered or not self._pieces.sent(batch):
            raise breach(f"batch {batch} was committed before it was sent")
        receipts = messages.decode_receipts(payload, len(offers))
        del self._open[batch]
        self._content = max(self._content, self._pieces.committed(batch))
        self._current.committed(batch)
        if batch in self._held:
            self._budget.give(*self._held.pop(batch))
        self._postponed.room_came(self._clock())
        self._committed += 1
        self.committed_at = self._clock()
        if self._client:
            self.report = self.measure()
        else:
            self._queue_report(asked=True)
        if self._on_receipts:
            self._on_receipts(batch, receipts)
        if self._on_sent:
            wants = self._wanted.pop(batch)
            rows = zip(offers, wants, receipts, strict=True)
            self._on_sent(
                [
                    offer
                    for offer, want, receipt in rows
                    if want.code in WANTED and receipt.code == "done"
                ]
            )

    def _longest_receipts(self, batch: int) -> int:
        """The most bytes of a batch's receipts. At a server only what has room in memory counts."""
        if batch not in self._open:
            raise breach(f"receipts came for batch {batch}, which is not open")
        if self._client:
            return messages.MESSAGE_MAX
        _, asked = self._held[batch]
        return min(messages.MESSAGE_MAX, PIECE + RECEIPTS_OF_ASK * asked)

    def _take_cancel(
        self, _flags: int, index: int, batch: int, _offset: int, _payload: memoryview
    ) -> None:
        if index != records.EVERYTHING:
            self._pieces.stop(batch, index)
        elif self._client:
            raise breach("a server cannot cancel everything")
        else:
            self.cancel()

    # -- what is sent ---------------------------------------------------------------------------

    def _begin(self, batch: int, offers: Sequence[Offer]) -> None:
        offers = self._open[batch] = self._pieces.sized(offers)
        self._unanswered.add(batch)
        self._queue(records.OFFER, batch, payload=messages.encode_offers(offers))

    def _open_again(self, batch: int) -> None:
        self._queue(records.OFFER, batch, payload=messages.encode_offers(self._open[batch]))

    def _tend(self, now: float) -> None:
        if now - self._reported_at >= REPORT_SECONDS:
            self._reported_at = now
            self._queue_report()
        super()._tend(now)

    def _put_content(self, used: int, now: float) -> int:
        if not self._pieces:
            return used
        self._active_at = now  # also while it is us who wait, for the pace or the source
        if self._pace.ready_at(now) > now:
            return used
        limit = min(self._pace.frame_limit, frame_limit(self.line))
        before = self._pieces.zeros
        used = self._pieces.fill(self.link.body, used, limit)
        if self._pieces.lent is not None:
            self.link.lend(self._pieces.lent)
        self._had += self._pieces.zeros - before
        return used

    def _before_bye(self) -> None:
        self._queue_report()

    def _ping_flags(self) -> int:
        return records.BUSY if self._pieces.waiting else 0

    def _queue_report(self, *, asked: bool = False) -> None:
        """Queues the measurements, if they are new or the receiver waits for them.

        They say how many batches were committed then: of these all content was acknowledged.
        """
        self.report = self.measure()
        current = (self._content, self.report)
        if asked or (current != self._reported and self.report != LinkReport()):
            self._reported = current
            payload = messages.encode_report(self.report)
            self._queue(records.REPORT, self._committed, payload=payload)

    # -- the rest -------------------------------------------------------------------------------

    def _open_batches(self) -> int:
        return len(self._open)

    def _open_offers(self) -> int:
        return sum(map(len, self._open.values()))

    def _is_unanswered(self, batch: int) -> bool:
        return batch in self._unanswered

    def _stop(self) -> None:
        self._current.clear()
        self._pieces.close()

    def _close(self) -> None:
        self._stop()
        self._source.close()

    def _patience(self) -> float:
        return SILENCE_SECONDS if self._state in BYE_QUEUED else BUSY_SECONDS
