"""How a sender keeps the speed that it was granted: by the kernel if possible, else by a bucket."""

import socket
import sys
from typing import Final, Protocol

from cargo_sync.lanes.tcp_info import is_near
from cargo_sync.machines.pacing import TokenBucket, content_rate, frame_limit
from cargo_sync.wire.frames import PIECE

_SO_MAX_PACING_RATE: Final = 47
"""From asm-generic/socket.h. Bytes per second: u32 before Linux 4.20, since then also u64."""
_NO_LIMIT: Final = b"\xff" * 8
_UNSENT: Final = 256 << 10
"""The most that the kernel may hold of an unlimited lane without sending it, bytes. Reports, grants
and receipts go behind it."""
_UNSENT_NEAR: Final = PIECE
"""The same on a near line, where it is gone in a moment: a frame is taken at once."""
_UNSENT_SECONDS: Final = 0.2
_ETHERNET_MSS: Final = 1448


class Pace(Protocol):
    """Keeps a sender's speed. Times are seconds of the lane's clock.

    frame_limit  the largest content of a frame, bytes
    """

    frame_limit: int

    def limit(self, bits: int | None, now: float) -> None:
        """Allows at most `bits` per second on the wire from now on; None means no limit."""

    def ready_at(self, now: float) -> float:
        """When the next frame of content may be sent."""

    def spend(self, count: int, now: float) -> None:
        """A frame of `count` bytes was given to the channel."""


class Unpaced:
    """Never limits anything: for channels in memory and for benchmarks."""

    frame_limit = PIECE

    def limit(self, bits: int | None, now: float) -> None:
        """Nothing is limited."""

    def ready_at(self, now: float) -> float:
        return now

    def spend(self, count: int, now: float) -> None:
        """Nothing is counted."""


class BucketPace:
    """A token bucket that the lane itself keeps: works on every system."""

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
    """Linux spaces the segments itself, which also prevents bursts on the network.

    But it lets the first ten go at once, and on loopback these are 640 KiB. So the frames are
    spaced too.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Raises OSError if the system has no such option."""
        self.frame_limit = PIECE
        self._socket = sock
        self._unsent = _UNSENT_NEAR if is_near(sock) else _UNSENT
        self._bucket = TokenBucket()
        self.limit(None, 0.0)

    def limit(self, bits: int | None, now: float) -> None:
        self.frame_limit = frame_limit(bits)
        if bits is None:
            rate, waiting = _NO_LIMIT, self._unsent
            self._bucket.limit(None, now)
        else:
            bytes_per_second = content_rate(bits, _mss(self._socket))
            self._bucket.limit(bytes_per_second, now)
            rate = bytes_per_second.to_bytes(8, sys.byteorder)
            waiting = max(self.frame_limit, int(bytes_per_second * _UNSENT_SECONDS))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, rate)
        # Unsent bytes in the kernel cannot be stopped any more, and nothing can overtake them.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, waiting)

    def ready_at(self, now: float) -> float:
        return self._bucket.ready_at(now)

    def spend(self, count: int, now: float) -> None:
        self._bucket.spend(count, now)


def pace_of(sock: socket.socket, kernel: bool = True) -> Pace:
    """The best pace for this connected socket; without `kernel` the one that works everywhere."""
    if kernel and sys.platform == "linux":
        try:
            return KernelPace(sock)
        except OSError:  # an old kernel, or another system that only looks like Linux
            pass
    return BucketPace(_mss(sock))


def _mss(sock: socket.socket) -> int:
    """The content of a full segment on this connection, bytes."""
    try:
        return max(1, sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
    except OSError:
        return _ETHERNET_MSS
