"""Pacing: how a granted rate becomes a moment for every frame. Time is an argument, in seconds."""

from typing import Final

from cargo_sync.wire.frames import PIECE

_LEAST_FRAME: Final = 16 << 10
_FRAME_SECONDS: Final = 0.25
_OVERHEAD: Final = 52
"""Bytes of a segment beside its content: IP 20, TCP 20, time stamps 12."""


def share(granted: int, lanes: int) -> int:
    """Bits a second of one lane, of what a flow of `lanes` lanes was granted; at least 1."""
    return max(1, granted // lanes)


def content_rate(bits: int, mss: int) -> int:
    """Bytes a second to hand to TCP, so that `bits` a second go over the wire with headers counted.

    `mss` is the content of a full segment in bytes. At least 1.
    """
    return max(1, bits * mss // (8 * (mss + _OVERHEAD)))


def frame_limit(bits: int | None) -> int:
    """The most content of a frame in bytes: a slow lane takes small ones, so that it can be stopped
    soon."""
    if bits is None:
        return PIECE
    return max(_LEAST_FRAME, min(PIECE, int(bits * _FRAME_SECONDS / 8) & ~4095))


class TokenBucket:
    """Spaces sends in time: the generic cell rate algorithm (ITU-T I.371), virtual scheduling.

    A send may begin when everything sent before is paid for; one that is late by less than `burst`
    seconds keeps its claim, so that the mean holds although threads wake late.
    """

    def __init__(self, burst: float = 0.1) -> None:
        self._burst = burst
        self._rate: int | None = None
        self._paid_at = 0.0

    def limit(self, rate: int | None, now: float) -> None:
        """From now on at most `rate` bytes a second; what is owed is paid at the new rate."""
        if rate is None:
            self._paid_at = now
        elif self._rate is not None and self._paid_at > now:
            self._paid_at = now + (self._paid_at - now) * self._rate / rate
        else:
            self._paid_at = now
        self._rate = rate

    def ready_at(self, now: float) -> float:
        """When the next send may begin; not later than `now` when it may at once."""
        return now if self._rate is None else self._paid_at

    def spend(self, count: int, now: float) -> None:
        """`count` bytes were handed on."""
        if self._rate is not None:
            self._paid_at = max(self._paid_at, now - self._burst) + count / self._rate
