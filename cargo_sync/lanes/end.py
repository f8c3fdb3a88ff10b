"""One end of a lane as a state machine: what a sender and a receiver have in common.

`step` does what can be done without waiting. It handles at most one frame in each direction. Its
driver (a thread with a socket, or a test with memory) then waits as the result says. Nothing here
waits or reads a clock of its own, so the same bytes and times always give the same steps.

`states` has the states of an end, and which records it accepts in each.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from cargo_sync.lanes import states
from cargo_sync.lanes.current import CurrentFiles, missing_of
from cargo_sync.lanes.figures import Figures, Moving
from cargo_sync.lanes.joining import Joining, Longest, OnMessage, OnRecord
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.outgoing import AHEAD, Outgoing
from cargo_sync.lanes.pacing import Pace
from cargo_sync.lanes.ports import Budget, Unbudgeted, Wake
from cargo_sync.lanes.postponed import Postponed
from cargo_sync.lanes.states import LaneEvent, LaneState
from cargo_sync.machines.pacing import LEAST_FRAME
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.wire import messages, records
from cargo_sync.wire.messages import LinkReport, Payload
from cargo_sync.wire.refusal import breach, cut

PING_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 20.0
"""A sender that sends nothing for so long is gone."""
BUSY_SECONDS: Final = 600.0
"""A receiver may sync or hash for so long. Meanwhile the driver checks the connection."""
OPEN_MAX: Final = 8
"""How many batches may be uncommitted on a lane."""
IDLE_SECONDS: Final = 60.0
"""A server ends a lane over which nothing but pings has come for so long, and does not wait longer
for the answer to its BYE."""
_QUIET: Final = frozenset({records.PING, records.REPORT})
"""Records that do not show that anything moves."""
_SLOWEST_FRAME: Final = 2 * 8 * LEAST_FRAME
"""Bits of two of the smallest frames: a slow sender may be silent between them."""
_NOTHING: Final = memoryview(b"")

_IDLE: Final = Problem(
    Code.IDLE, "nothing moved over the data connection for a minute", hint="it is opened again"
)

Clock = Callable[[], float]
"""Monotonic seconds."""
OnReceipts = Callable[[int, list[Receipt]], None]
"""(batch, one receipt per offer); called in the lane's thread."""
OnGrant = Callable[[int | None], None]
"""(bits per second, None for no limit); called in the lane's thread."""


class Step(Enum):
    """What to do before the next step."""

    AGAIN = "again"
    """Nothing: step again."""
    WANT_READ = "want_read"
    """Wait until the channel can be read."""
    WANT_WRITE = "want_write"
    """Wait until the channel can be written or read."""
    IDLE = "idle"
    """Wait until the channel can be read; no batch is open."""
    DONE = "done"
    """The lane has ended: see `problem`."""


class End(ABC):
    """The base of `Sender` and `Receiver`: frames, messages, pings, deadlines, the end of a lane.

    All methods except `figures` must be called in the driver's thread.

    problem  why the lane ended, once it is `done`; None when it ended normally
    measure  a sender calls it once per second to get the driver's measurements of the connection
    granted  server: what the lane may use, bits per second; None: no limit
    line     what the driver measured that the connection carries, bits per second; None: unknown
    report   what the sender measured last
    reading  whether frames are received now; a receiver that is full leaves them in the channel
    committed_at   when the batch was committed of which `on_receipts` tells, by the lane's clock
    """

    def __init__(
        self,
        link: Link,
        clock: Clock,
        client: bool,
        pace: Pace,
        on_grant: OnGrant | None,
        budget: Budget | None,
    ) -> None:
        self.link = link
        self.granted: int | None = None
        self.line: int | None = None
        self.report = LinkReport()
        self.reading = True
        self.committed_at = 0.0
        self._budget = budget or Unbudgeted()
        self._joining = Joining(self._budget)
        self._outgoing = Outgoing(self._budget)
        self._postponed = Postponed()
        self.problem: Problem | None = None
        self.measure: Callable[[], LinkReport] = LinkReport
        self._client = client
        self._clock = clock
        self._pace = pace
        self._on_grant = on_grant
        self._handlers: dict[int, OnRecord] = {
            records.PING: self._take_ping,
            records.BYE: self._take_bye,
        }
        if client:
            self._join(records.GRANT, self._take_grant, lambda _: messages.SHORT_MAX)
            self._handlers[records.LATER] = self._take_later
        else:
            self._handlers[records.DONE] = self._take_done
        self._waiting: deque[tuple[int, Sequence[Offer]]] = deque()
        self._stopped: dict[int, set[int]] = {}
        """Files that were cancelled before the other end knew them, per batch."""
        self._enter(LaneState.OPEN)
        self._ways = states.CLIENT if client else states.SERVER
        self._content = 0
        self._had = 0
        self._current = CurrentFiles()
        self._resumed: dict[str, int] = {}
        self._received = self._sent = 0
        self._received_at = self._sent_at = self._active_at = clock()

    @property
    def done(self) -> bool:
        """Whether the lane has ended: nothing is read or sent any more."""
        return self._state is LaneState.OVER

    # -- for the owner --------------------------------------------------------------------------

    def finish(self) -> None:
        """Client: no more batches; the lane ends when all are committed."""
        if self._may(LaneEvent.FINISH):
            self._move(LaneEvent.FINISH)

    def cancel(self, problem: Problem | None = None) -> None:
        """Stops the lane.

        What is committed stays, what is durable is kept for another lane, the rest is discarded. A
        client's lane then ends without a problem; a server sends `problem` to its client.
        """
        if not self._may(LaneEvent.CANCEL):
            return
        self._waiting.clear()
        self._postponed.clear()
        self._stop()
        if self._client:
            self._move(LaneEvent.CANCEL)
            self._queue(records.CANCEL, index=records.EVERYTHING)
        else:
            self._leave(LaneEvent.CANCEL, problem)

    def grant(self, bits: int | None) -> None:
        """Server: this lane may use `bits` per second on the wire from now on; None: no limit."""
        self.granted = bits
        self._pace.limit(bits, self._clock())
        self._queue(records.GRANT, payload=messages.encode_grant(bits))

    def fail(self, problem: Problem | None) -> None:
        """Ends the lane now, without a word to the other end.

        Everything it has open is closed; later calls do nothing.
        """
        if self.done:
            return
        self._enter(LaneState.OVER)
        self.problem = problem
        try:
            self._close()
        except ProblemError as error:
            self.problem = problem or error.problem
        finally:
            self._budget.close()
            self.link.close()

    def figures(self) -> Figures:
        """The lane's figures now. May be called from any thread."""
        wire = self.link.sent + self.link.received
        partial = self._partial()
        current = self._current.now
        files: tuple[Moving, ...] = ()
        if current is not None:
            offer = current.offer
            done = min(offer.size, current.done + partial)
            files = (Moving(offer.path, done, offer.size, offer.transfer),)
        return Figures(self._content + partial, self._had, wire, files, *self.report)

    def resumed(self) -> dict[str, int]:
        """What the receiver already had of the files that began before: transfer id -> bytes.

        May be called from any thread.
        """
        return self._resumed.copy()

    # -- for the driver -------------------------------------------------------------------------

    def step(self) -> Step:
        """Does what can be done now. A problem ends the machine; it is never raised."""
        if self.done:
            return Step.DONE
        try:
            return self._step()
        except ProblemError as error:
            self._broke(error.problem)
            return Step.DONE

    def hung_up(self) -> None:
        """The connection broke while nothing was read from it."""
        self._broke(cut("the connection to the other end broke").problem)

    @abstractmethod
    def wakes(self, wake: Wake) -> None:
        """From now on `wake` is called when there may be something to do; by any thread."""

    def due(self) -> float:
        """The clock's time at which `step` must be called although the channel is quiet."""
        due = self._received_at + self._patience()
        if not self._client:
            if self._state in states.BYE_QUEUED or not self._open_batches():
                due = min(due, self._active_at + self._idle_seconds())
        else:
            due = min(due, self._postponed.due())
        if self.link.pending or self._state in states.BYE_QUEUED:
            return due
        return min(due, self._sent_at + PING_SECONDS)

    # -- the step -------------------------------------------------------------------------------

    def _step(self) -> Step:
        link = self.link
        now = self._clock()
        self._tend(now)
        wrote = self._write(now)
        if link.sent != self._sent:
            self._sent = link.sent
            if link.pending:
                self._active_at = now  # a part of a frame: the other end reads
        body = None if self._state is LaneState.CLOSING else self._heard(now)
        if body is not None:
            self._take(body)
        if self._state is LaneState.CLOSING and not self._outgoing and not link.pending:
            self.fail(self.problem)
            return Step.DONE
        if wrote or body is not None:
            return Step.AGAIN
        if link.pending:
            return Step.WANT_WRITE
        return Step.WANT_READ if self._busy() else Step.IDLE

    def _heard(self, now: float) -> memoryview | None:
        """The next frame's body, if it is complete."""
        link = self.link
        if not self.reading:
            self._received_at = now  # nobody is silent to whom we do not listen
            return None
        body = link.receive()
        if link.received != self._received:
            self._received = link.received
            self._received_at = now
            if body is None:
                self._active_at = now  # a part of a frame, and pings have no parts
        elif now - self._received_at >= self._patience():
            raise cut("the other end has sent nothing for too long")
        return body

    def _tend(self, now: float) -> None:
        """Opens waiting batches as far as allowed, and ends the lane when everything is done."""
        if self._client:
            if (batch := self._postponed.next(now)) is not None:
                self._open_again(batch)
            while self._waiting and self._has_room(len(self._waiting[0][1])):
                self._begin(*self._waiting.popleft())
            if self._may(LaneEvent.ALL_OFFERED) and not self._waiting:
                self._move(LaneEvent.ALL_OFFERED)
                self._queue(records.DONE)
            return
        if self._state in states.BYE_QUEUED:
            if now - self._active_at >= self._idle_seconds():
                raise cut("the other end does not say goodbye")
        elif self._is_idle(now):
            self.cancel(_IDLE)
        elif (
            not self._open_batches() and not self._postponed and self._may(LaneEvent.ALL_COMMITTED)
        ):
            self._leave(LaneEvent.ALL_COMMITTED)

    def _write(self, now: float) -> bool:
        """Fills and closes one frame, and begins to send it.

        Returns False when there is nothing to send, or when the channel takes nothing now.
        """
        link = self.link
        if not link.flush():
            return False
        used = self._outgoing.put(link.body)
        leaving = self._state in states.BYE_QUEUED
        last = leaving and not self._outgoing
        if not self._outgoing and not leaving:
            used = self._put_content(used, now)
        if not used:
            if leaving or now - self._sent_at < PING_SECONDS:
                return False
            ping = records.Record(records.PING, self._ping_flags(), 0, 0, 0, _NOTHING)
            used = records.put(link.body, 0, ping)
        self._pace.spend(link.close_frame(used, last), now)
        self._sent_at = now
        link.flush()
        return True

    def _take(self, body: memoryview) -> None:
        handlers = self._handlers
        for kind, flags, index, batch, offset, payload in records.split(body):
            handler = handlers.get(kind)
            if handler is None:
                raise breach(f"a record of kind {kind} is not for this end")
            if self._state is LaneState.CLOSING:
                raise breach("a record came after the other end's last one")
            if self._accepted is None or kind in self._accepted:
                handler(flags, index, batch, offset, payload)
        if kind not in _QUIET and self._state not in states.BYE_QUEUED:
            self._active_at = self._clock()  # a commit may have taken long
        if (self._state is LaneState.CLOSING) != self.link.finished:
            raise breach("the other end's last record was not in its last frame")

    # -- what sender and receiver implement -----------------------------------------------------

    @abstractmethod
    def _begin(self, batch: int, offers: Sequence[Offer]) -> None:
        """Client: sends a batch's offers to the server."""

    @abstractmethod
    def _open_batches(self) -> int:
        """The number of batches that are begun and not committed."""

    @abstractmethod
    def _open_offers(self) -> int:
        """The number of files in these batches."""

    @abstractmethod
    def _is_unanswered(self, batch: int) -> bool:
        """Client: whether a batch is open, and nothing shows that the server has taken it."""

    @abstractmethod
    def _open_again(self, batch: int) -> None:
        """Client: sends the message that opened a batch once more."""

    @abstractmethod
    def _stop(self) -> None:
        """The lane was cancelled: drops what is not committed."""

    @abstractmethod
    def _close(self) -> None:
        """Closes everything that is open, at the very end."""

    @abstractmethod
    def _patience(self) -> float:
        """For how many seconds the other end may be silent."""

    def _ping_flags(self) -> int:
        return 0

    def _partial(self) -> int:
        """Bytes of content that are here, in a frame that is not complete. Any thread may ask."""
        return 0

    def _note_begun(self, batch: int, offers: Sequence[Offer], wants: Sequence[Want]) -> None:
        """A batch begins, of which this is wanted."""
        for offer, want in zip(offers, wants, strict=True):
            if want.ranges:
                had = self._resumed[offer.transfer] = offer.size - missing_of(want)
                self._had += had
            elif want.code == "none":
                self._had += offer.size
                if resumable(offer.size):
                    self._resumed[offer.transfer] = offer.size
        self._current.begin(batch, offers, wants)

    def _waits(self, batch: int) -> bool:
        """Whether a batch waits because too many others are open."""
        return any(number == batch for number, _ in self._waiting)

    def _busy(self) -> bool:
        return bool(self._waiting or self._open_batches()) or self._state is not LaneState.OPEN

    def _put_content(self, used: int, _now: float) -> int:
        """Adds records of content to the link's body at `used`; returns where they end."""
        return used

    # -- messages -------------------------------------------------------------------------------

    def _queue(
        self, kind: int, batch: int = 0, index: int = 0, payload: bytes = b"", offset: int = 0
    ) -> None:
        """Queues a message, in several records when it is long; after BYE it does nothing."""
        if self._state in states.BYE_QUEUED and kind != records.BYE:
            return
        self._outgoing.add(kind, batch, index, payload, offset)

    def _join(self, kind: int, handler: OnMessage, longest: Longest) -> None:
        """Calls `handler` with each message of a kind, of which no more than `longest` is kept."""
        self._handlers[kind] = self._joining.each(kind, handler, longest)

    def _join_openings(self, kind: int, handler: Callable[[int, Payload | None], bool]) -> None:
        """Server: calls `handler` with each message that opens a batch.

        Its payload is None if the budget has no room for it. `handler` returns whether it opened
        the batch; if not, the client is told to try again later.
        """

        def take(batch: int, payload: Payload | None) -> None:
            if handler(batch, payload):
                self._postponed.remove(batch)
                return
            if payload is not None:
                self._budget.give(0, len(payload))
            self._postponed.add(batch)
            self._queue(records.LATER, batch)

        self._handlers[kind] = self._joining.each_opening(kind, take)

    def _take_ping(
        self, flags: int, _index: int, _batch: int, _offset: int, _payload: memoryview
    ) -> None:
        """The other end is alive, and may say that it waits for something of its own."""
        if flags & records.BUSY:
            self._active_at = self._clock()

    def _take_grant(self, _batch: int, payload: Payload) -> None:
        bits = messages.decode_grant(payload)
        self._pace.limit(bits, self._clock())
        if self._on_grant:
            self._on_grant(bits)

    # -- batches that wait for room at the server -----------------------------------------------

    def _in_turn(self, batch: int, newest: int) -> bool:
        """Server: whether the client may open this batch now."""
        if batch in self._postponed:
            return self._state in (LaneState.OPEN, LaneState.DRAINING)
        if self._state is not LaneState.OPEN or batch <= newest:
            return False
        return self._open_batches() + len(self._postponed) < OPEN_MAX

    def _has_room(self, offers: int) -> bool:
        """Client: whether another batch may be opened now."""
        count = self._open_offers()
        return (
            self._open_batches() < OPEN_MAX
            and self._outgoing.unsent < AHEAD
            and (not count or count + offers <= records.BATCH_MAX)
        )

    def _take_later(
        self, _flags: int, _index: int, batch: int, _offset: int, _payload: memoryview
    ) -> None:
        if not self._is_unanswered(batch) or batch in self._postponed:
            raise breach(f"batch {batch} was refused, but is not open")
        if self._state is not LaneState.CANCELLED:
            self._postponed.add(batch, self._clock())

    # -- the end --------------------------------------------------------------------------------

    def _broke(self, problem: Problem) -> None:
        """Ends the lane. After BYE a broken connection cannot lose anything."""
        over = self._state in states.BYE_QUEUED and problem.code == Code.CUT
        self.fail(self.problem if over else problem)

    def _may(self, event: LaneEvent) -> bool:
        """Whether the table has a way for this event from this state."""
        return (self._state, event) in self._ways

    def _move(self, event: LaneEvent) -> None:
        self._enter(self._ways[self._state, event])

    def _enter(self, state: LaneState) -> None:
        self._state = state
        self._accepted = states.ACCEPTED[state]

    def _leave(self, event: LaneEvent, problem: Problem | None = None) -> None:
        """Queues BYE, with the problem if there is one."""
        self._before_bye()
        self._active_at = self._clock()
        self._move(event)
        self._queue(records.BYE, payload=messages.encode_problem(problem) if problem else b"")

    @abstractmethod
    def _before_bye(self) -> None:
        """Queues what must be sent before BYE, because nothing may follow it."""

    def _take_done(self, *_: object) -> None:
        self._move(LaneEvent.DONE_RECEIVED)

    def _take_bye(
        self, _flags: int, _index: int, _batch: int, _offset: int, payload: memoryview
    ) -> None:
        if not self._may(LaneEvent.BYE_RECEIVED):
            raise breach("the client sent BYE before the server did")
        if not self._client:
            self._move(LaneEvent.BYE_RECEIVED)
            return
        if payload:
            self.problem = messages.decode_problem(payload)
        elif self._stopped_early():
            self.problem = cut("the other end stopped before all was done").problem
        self._leave(LaneEvent.BYE_RECEIVED)

    def _stopped_early(self) -> bool:
        """Client: whether the server sent BYE although something is still to be done."""
        if self._state is LaneState.CANCELLED:
            return False
        return self._state is not LaneState.DRAINING or self._open_batches() > 0

    def _is_idle(self, now: float) -> bool:
        """Server: whether nothing moves any more.

        A client that is silent while a batch is open may be busy with it. One that sends pings is
        not.
        """
        until = self._received_at if self._open_batches() else now
        return until - self._active_at >= self._idle_seconds()

    def _idle_seconds(self) -> float:
        """Server: how long nothing may move. A slow lane rests between two frames."""
        return IDLE_SECONDS + (_SLOWEST_FRAME / self.granted if self.granted else 0.0)
