"""A link: frames over a channel, through buffers that are made once.

Only the kernel and the encryption copy content: records are written into the buffer of their frame,
and a frame is opened in the buffer that received it.
"""

from collections.abc import Callable

from cargo_sync.lanes.ports import Channel
from cargo_sync.wire.frames import (
    FRAME_MAX,
    HEADER,
    TRAILER,
    FrameMaker,
    FrameOpener,
    PlainMaker,
    PlainOpener,
    new_buffer,
)
from cargo_sync.wire.records import SIZE as RECORD
from cargo_sync.wire.records import LentRecord
from cargo_sync.wire.refusal import breach, cut
from cargo_sync.wire.shared import SharedRecord


class Link:
    """One end's frames, both ways. One thread uses it; others may read the counters.

    body            the records of the next frame are written here while nothing is `pending`
    sent, received  bytes of frames that the channel took and gave
    finished        the other end's last frame was received
    let_go          called before the memory of the body that was received last is used again
    """

    def __init__(
        self, channel: Channel, maker: FrameMaker | None = None, opener: FrameOpener | None = None
    ) -> None:
        """Without a maker and an opener the lane is plain."""
        self.sent = 0
        self.received = 0
        self.let_go: Callable[[], None] = _nothing_to_let_go
        self._channel = channel
        self._maker = maker or PlainMaker()
        self._opener = opener or PlainOpener()
        self.body = self._maker.body
        self._outgoing: memoryview = self.body[:0]
        self._behind: list[memoryview] = []
        """What of the closed frame comes behind `_outgoing`."""
        self._incoming = _buffer()
        # A body that stays in its frame is still in use while the next frame comes.
        self._other = _buffer() if self._opener.in_place else self._incoming
        self._fill = 0
        self._frame = 0
        self._opened = False
        self._lent: LentRecord | SharedRecord | None = None
        self._going: LentRecord | SharedRecord | None = None
        """The one that is being sent as it lies."""
        self._body = 0
        """Bytes of the body that was received last."""

    @property
    def pending(self) -> bool:
        """True while a closed frame is not completely sent."""
        return len(self._outgoing) > 0

    @property
    def finished(self) -> bool:
        return self._opener.finished

    @property
    def partial(self) -> int:
        """Bytes of the next frame's body that have arrived, but are not checked yet."""
        if self._opened:
            return 0
        return max(0, min(self._fill, self._frame - TRAILER) - HEADER)

    def takes_shared(self) -> None:
        """The other end may send contents that are sealed for several lanes: both have agreed."""
        self._opener.takes_shared = True

    def lend(self, record: LentRecord | SharedRecord) -> None:
        """The next frame has this record alone, and nothing of `body`."""
        self._lent = record

    def close_frame(self, length: int, last: bool = False) -> int:
        """Closes the frame whose records fill `body` up to `length`; `flush` sends it.

        Returns:
            The length of the frame in bytes.
        """
        if self._lent is None:
            self._outgoing = self._maker.close(length, last)
            return len(self._outgoing)
        parts = self._maker.close_around(self._lent)
        self._going, self._lent = self._lent, None
        self._outgoing, *self._behind = parts
        if not self._behind:
            self._let_go()
        return sum(map(len, parts))

    def flush(self) -> bool:
        """Sends what the channel takes now; True when the closed frame is completely sent."""
        rest, behind = self._outgoing, self._behind
        while rest:
            count = self._channel.send(rest, *behind)
            if count is None:
                self._outgoing = rest
                return False
            self.sent += count
            while behind and count >= len(rest):
                count -= len(rest)
                rest = behind.pop(0)
            rest = rest[count:]
        self._outgoing = rest
        self._let_go()
        return True

    def receive(self) -> memoryview | None:
        """Returns the next frame's body, or None when the frame is not complete yet.

        The body is valid until the next one is there, or `let_go` is called.

        Raises:
            ProblemError: "cut" at the end of the stream, "protocol" for an invalid frame.
        """
        if self._opened:
            self._opened = False
            rest = self._incoming[self._frame : self._fill]
            self._fill = len(rest)
            self._other[: self._fill] = rest
            self._incoming, self._other = self._other, self._incoming
            self._frame = 0
        while True:
            if not self._frame and self._fill >= HEADER:
                self._frame = self._opener.expect(self._incoming[:HEADER])
            if self._frame and self._fill >= self._frame:
                return self._open()
            until = self._frame + HEADER
            count = self._channel.recv_into(self._incoming[self._fill : until])
            if count is None:
                return None
            if count == 0:
                raise cut("the connection was closed before the transfer was complete")
            self._fill += count
            self.received += count

    def exchange(self, content: memoryview, memory: memoryview) -> bool:
        """Leaves the memory of the last body to who has its content; for its record's handler.

        Args:
            content: of that record.
            memory: where the next body comes, of BODY_MAX bytes.

        Returns:
            False if that memory is still needed here: there are other records in it.
        """
        if self._opener.in_place or len(content) + RECORD != self._body:
            return False
        self._opener.exchange(memory)
        return True

    def close(self) -> None:
        self._outgoing, self._behind = self.body[:0], []
        self._let_go()
        if self._lent is not None:
            self._lent.let_go()
            self._lent = None
        self._channel.close()

    def _let_go(self) -> None:
        """The memory of a record is not needed any more."""
        if self._going is not None:
            self._going.let_go()
            self._going = None

    def _open(self) -> memoryview:
        self.let_go()
        body = self._opener.open(self._incoming[: self._frame])
        self._body = len(body)
        self._opened = True
        if self._opener.finished and self._fill > self._frame:
            raise breach("bytes came after its last frame")
        return body


def _buffer() -> memoryview:
    """One header longer than a frame, so that one call receives a frame and the next header."""
    return new_buffer(FRAME_MAX + HEADER)


def _nothing_to_let_go() -> None:
    """Nobody uses a body after the call that took it."""
