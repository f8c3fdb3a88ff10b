"""Pacing: turns a granted speed into a time for each frame. Time is an argument, in seconds."""

from typing import Final

from cargo_sync.wire.frames import PIECE

LEAST_FRAME: Final = 1 << 10
_FRAME_SECONDS: Final = 0.1
"""A speed is kept within 2% over 5 s, so a frame may be no more than that."""
_OVERHEAD: Final = 52
"""Bytes of a segment's headers: IP 20, TCP 20, timestamps 12."""


def share(granted: int, lanes: int) -> int:
    """One lane's bits per second, of `granted` for a flow of `lanes` lanes; at least 1."""
    return max(1, granted // lanes)


def content_rate(bits: int, mss: int) -> int:
    """Bytes per second to give to TCP, so that `bits` per second go over the wire with headers.

    `mss` is the content of a full segment in bytes. The result is at least 1.
    """
    return max(1, bits * mss // (8 * (mss + _OVERHEAD)))


def frame_limit(bits: int | None) -> int:
    """The largest content of a frame in bytes.

    A slow lane sends small frames, so that it can be stopped soon.
    """
    if bits is None:
        return PIECE
    return max(LEAST_FRAME, min(PIECE, int(bits * _FRAME_SECONDS / 8) & ~1023))


class TokenBucket:
    """Spaces sends in time: the generic cell rate algorithm (ITU-T I.371), virtual scheduling.

    A send may begin when everything sent before is paid for. A send that is late by less than
    `burst` seconds counts as if it was on time, so that the mean is right although threads wake
    late.
    """

    def __init__(self, burst: float = 0.1) -> None:
        self._burst = burst
        self._rate: int | None = None
        self._paid_at = 0.0

    def limit(self, rate: int | None, now: float) -> None:
        """From now on at most `rate` bytes per second; what is owed is paid at the new rate."""
        if rate is None:
            self._paid_at = now
        elif self._rate is not None and self._paid_at > now:
            self._paid_at = now + (self._paid_at - now) * self._rate / rate
        else:
            self._paid_at = now
        self._rate = rate

    def ready_at(self, now: float) -> float:
        """When the next send may begin; if it may begin at once, not later than `now`."""
        return now if self._rate is None else self._paid_at

    def spend(self, count: int, now: float) -> None:
        """`count` bytes were sent."""
        if self._rate is not None:
            self._paid_at = max(self._paid_at, now - self._burst) + count / self._rate
