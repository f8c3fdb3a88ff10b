"""TCP_INFO: what the kernel knows about a connection.

On Linux: struct tcp_info of linux/tcp.h; new fields are only added at its end. Other systems have
no figures: None.
"""

import socket
import sys
from collections import deque
from struct import Struct
from typing import Final, NamedTuple

from cargo_sync.wire.messages import LinkReport

_SIZE: Final = 256
_LEAST: Final = 220
_PROBES: Final = Struct("=3xB")
_UNACKED: Final = Struct("=24xI")
_HEARD: Final = Struct("=52xII")
_RTT: Final = Struct("=68xI")
_RETRANS: Final = Struct("=100xI")
_MIN_RTT: Final = Struct("=148xI")
_DELIVERY: Final = Struct("=160xQ")
_APP_LIMITED: Final = Struct("=7xB")
_DSACK: Final = Struct("=216xI")
_LINES: Final = 4
_NEAR_MS: Final = 1.0
_UNMEASURED: Final = 0xFFFFFFFF


class TcpInfo(NamedTuple):
    """A connection at one moment.

    lost        segments that were lost: all that were sent again, minus those that arrived twice
    rtt_ms      smoothed round trip time
    min_rtt_ms  the smallest round trip time of the last minutes
    line        bits per second that the connection carried when it was busy last; None: unknown
    stuck_ms    for how long the other end's kernel has not answered; 0 when no answer is due. A
                busy receiver closes its window, but its kernel still answers the probes
    """

    lost: int
    rtt_ms: float
    min_rtt_ms: float | None
    line: int | None
    stuck_ms: int


def parse(raw: bytes) -> TcpInfo | None:
    """Reads the struct; None if the kernel is too old to have all of it (before 5.5)."""
    if len(raw) < _LEAST:
        return None
    content, acknowledgement = _HEARD.unpack_from(raw)
    owed = _UNACKED.unpack_from(raw)[0] or _PROBES.unpack_from(raw)[0] > 1
    least = _MIN_RTT.unpack_from(raw)[0]
    return TcpInfo(
        max(0, _RETRANS.unpack_from(raw)[0] - _DSACK.unpack_from(raw)[0]),
        _RTT.unpack_from(raw)[0] / 1000,
        None if least == _UNMEASURED else least / 1000,
        _line(raw),
        min(content, acknowledgement) if owed else 0,
    )


def _line(raw: bytes) -> int | None:
    """What the connection carries; the kernel marks figures of times with too little to send."""
    if _APP_LIMITED.unpack_from(raw)[0] & 1:
        return None
    return 8 * _DELIVERY.unpack_from(raw)[0] or None


def read(sock: socket.socket) -> TcpInfo | None:
    """The figures of a connection; None if the platform has none."""
    if sys.platform != "linux":
        return None
    try:
        return parse(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE))
    except OSError:
        return None


def is_near(sock: socket.socket) -> bool:
    """Whether the other end is in this machine or next to it, as far as the platform can tell."""
    figures = read(sock)
    return figures is not None and 0.0 < figures.rtt_ms < _NEAR_MS


class LinkMeter:
    """Measures the connection of one lane; its driver takes the samples."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sum = 0.0
        self._count = 0
        self._lines: deque[int] = deque(maxlen=_LINES)

    def sample(self) -> TcpInfo | None:
        """Takes a sample, also of the round trip time; None if the platform has no figures.

        Its `line` is the best of the last few: one late answer does not make a line slow.
        """
        figures = read(self._socket)
        if figures is None:
            return None
        self._sum += figures.rtt_ms
        self._count += 1
        if figures.line is not None:
            self._lines.append(figures.line)
        return figures._replace(line=max(self._lines, default=None))

    def report(self) -> LinkReport:
        """Everything that was measured until now."""
        figures = read(self._socket)
        if figures is None:
            return LinkReport()
        mean = self._sum / self._count if self._count else figures.rtt_ms
        return LinkReport(figures.lost, round(mean, 3), figures.min_rtt_ms)
