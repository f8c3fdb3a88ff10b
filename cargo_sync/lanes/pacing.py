"""How a sender keeps the rate it was granted: the kernel does it where it can, else a token
bucket."""

import socket
import sys
from typing import Final, Protocol

from cargo_sync.machines.pacing import TokenBucket, content_rate, frame_limit
from cargo_sync.wire.frames import PIECE

_SO_MAX_PACING_RATE: Final = 47
"""Linux: asm-generic/socket.h. Bytes a second, u32 before 4.20, then u64 too."""
_NO_LIMIT: Final = b"\xff" * 8
_LOWAT_SECONDS: Final = 0.5
_ETHERNET_MSS: Final = 1448


class Pace(Protocol):
    """A sender's rate. Times are the lane's clock, in seconds.

    frame_limit  the most content of a frame, bytes
    """

    frame_limit: int

    def limit(self, bits: int | None, now: float) -> None:
        """From now on at most `bits` a second on the wire; None is no limit."""

    def ready_at(self, now: float) -> float:
        """When the next frame of content may be sent."""

    def spend(self, count: int, now: float) -> None:
        """A frame of so many bytes was handed to the channel."""


class Unpaced:
    """No limit, ever: what memory channels and measurements use."""

    frame_limit = PIECE

    def limit(self, bits: int | None, now: float) -> None:
        """Nothing is limited."""

    def ready_at(self, now: float) -> float:
        return now

    def spend(self, count: int, now: float) -> None:
        """Nothing is counted."""


class BucketPace:
    """A token bucket in the lane's own steps: works everywhere."""

    def __init__(self, mss: int = _ETHERNET_MSS) -> None:
        self.frame_limit = PIECE
        self._mss = mss
        self._bucket = TokenBucket()

    def limit(self, bits: int | None, now: float) -> None:
        self.frame_limit = frame_limit(bits)
        self._bucket.limit(None if bits is None else content_rate(bits, self._mss), now)

    def ready_at(self, now: float) -> float:
        return self._bucket.ready_at(now)

    def spend(self, count: int, now: float) -> None:
        self._bucket.spend(count, now)


class KernelPace:
    """Linux spaces the segments itself, which also keeps bursts off the way."""

    def __init__(self, sock: socket.socket) -> None:
        """Raises OSError where the system has no such option."""
        self.frame_limit = PIECE
        self._socket = sock
        sock.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, _NO_LIMIT)

    def limit(self, bits: int | None, now: float) -> None:
        self.frame_limit = frame_limit(bits)
        if bits is None:
            rate, waiting = _NO_LIMIT, 0
        else:
            bytes_a_second = content_rate(bits, _mss(self._socket))
            rate = bytes_a_second.to_bytes(8, sys.byteorder)
            waiting = max(self.frame_limit, int(bytes_a_second * _LOWAT_SECONDS))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, rate)
        # What the kernel holds unsent cannot be stopped any more: at a low rate it may not hold
        # much.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, waiting)

    def ready_at(self, now: float) -> float:
        return now

    def spend(self, count: int, now: float) -> None:
        """The kernel counts."""


def pace_of(sock: socket.socket, kernel: bool = True) -> Pace:
    """The best way to pace this connected socket; without `kernel` the one that works
    everywhere."""
    if kernel and sys.platform == "linux":
        try:
            return KernelPace(sock)
        except OSError:  # an old kernel, or one that is not Linux under Linux's name
            pass
    return BucketPace(_mss(sock))


def _mss(sock: socket.socket) -> int:
    """The content of a full segment on this connection, bytes."""
    try:
        return max(1, sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
    except OSError:
        return _ETHERNET_MSS
