"""A link: frames over a channel, through buffers that are made once.

Content is copied by the kernel, by the sealing, and nowhere else: records are written where their
frame is closed, frames are received where they are opened.
"""

from cargo_sync.lanes.ports import Channel
from cargo_sync.wire.frames import (
    FRAME_MAX,
    HEADER,
    FrameMaker,
    FrameOpener,
    PlainMaker,
    PlainOpener,
)
from cargo_sync.wire.refusal import breach, cut


class Link:
    """One end's frames, both ways. Not for two threads at once, but for reading the counters.

    body       where the records of the next frame are written, when nothing is `pending`
    sent, received   bytes of frames that went over the channel
    finished   the other end's last frame has been received
    """

    def __init__(
        self, channel: Channel, maker: FrameMaker | None = None, opener: FrameOpener | None = None
    ) -> None:
        """Without a maker and an opener the lane is plain."""
        self.sent = 0
        self.received = 0
        self._channel = channel
        self._maker = maker or PlainMaker()
        self._opener = opener or PlainOpener()
        self.body = self._maker.body
        self._going = self.body[:0]
        # Beside a frame there is room for the next one's header, so that one call receives both.
        self._came = memoryview(bytearray(FRAME_MAX + HEADER))
        self._fill = 0
        self._frame = 0
        self._opened = False

    @property
    def pending(self) -> bool:
        """True while a closed frame is not wholly sent."""
        return len(self._going) > 0

    @property
    def finished(self) -> bool:
        return self._opener.finished

    def close_frame(self, length: int, last: bool = False) -> int:
        """Closes the frame whose records fill `body` up to `length`: its bytes, which `flush`
        sends."""
        self._going = self._maker.close(length, last)
        return len(self._going)

    def flush(self) -> bool:
        """Sends what the channel takes now; True when nothing is left of the closed frame."""
        going = self._going
        while going:
            count = self._channel.send(going)
            if count is None:
                self._going = going
                return False
            self.sent += count
            going = going[count:]
        self._going = going
        return True

    def receive(self) -> memoryview | None:
        """The next frame's body, valid until the next call; None when it has not wholly come.

        Raises:
            ProblemError: "cut" at the end of the stream, "protocol" for a frame that is refused.
        """
        if self._opened:
            self._opened = False
            rest = self._fill - self._frame
            self._came[:rest] = self._came[self._frame : self._fill]
            self._fill = rest
            self._frame = 0
        while True:
            if not self._frame and self._fill >= HEADER:
                self._frame = self._opener.expect(self._came[:HEADER])
            if self._frame and self._fill >= self._frame:
                return self._open()
            until = self._frame + HEADER
            count = self._channel.recv_into(self._came[self._fill : until])
            if count is None:
                return None
            if count == 0:
                raise cut("the connection ended before the other end was done")
            self._fill += count
            self.received += count

    def close(self) -> None:
        self._channel.close()

    def _open(self) -> memoryview:
        body = self._opener.open(self._came[: self._frame])
        self._opened = True
        if self._opener.finished and self._fill > self._frame:
            raise breach("bytes came after its last frame")
        return body
