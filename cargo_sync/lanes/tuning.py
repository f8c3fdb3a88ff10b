"""The options of a lane's TCP socket. Options that the system does not have are skipped.

At 1% loss BBR keeps 80% of a long line, cubic 1%. But BBR times each burst, which costs as much as
sealing, and on a near line nothing is gained: there cubic moves the same in half of the CPU time.
"""

import socket
import sys
from contextlib import suppress
from typing import Final, NamedTuple

from cargo_sync.lanes.tcp_info import is_near

_CONGESTION: Final = getattr(socket, "TCP_CONGESTION", None)
_KEEPALIVE_IDLE: Final = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
_OPTIONS: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # The kernel answers these even while the process is busy: a broken connection is noticed within
    # 20 s.
    (socket.IPPROTO_TCP, _KEEPALIVE_IDLE, 5),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", None), 5),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", None), 3),
    (socket.IPPROTO_TCP, _CONGESTION, b"cubic"),
)
_SO_BUF_LOCK: Final = 72
"""From asm-generic/socket.h, since Linux 5.16: which buffers the kernel may not make larger."""
_RECEIVE_LOCK: Final = 2


class _Limits(NamedTuple):
    """The kernel's limits of one buffer, in bytes.

    asked    the most that a process may ask for; Linux doubles it
    first    how large it is at first
    grown    how large the kernel itself makes it
    """

    asked: int
    first: int
    grown: int


def tune(sock: socket.socket) -> None:
    """Sets the options of a socket that will connect, or of a listener for its connections."""
    for level, option, value in _OPTIONS:
        _set(sock, level, option, value)
    sending, receiving = _limits("wmem"), _limits("rmem")
    if sending is not None and 2 * sending.asked > sending.grown:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sending.asked)
    if receiving is not None:
        _widen(sock, receiving)


def suit(sock: socket.socket) -> None:
    """Chooses the congestion control for the line of a socket that is connected."""
    if not is_near(sock):
        _set(sock, socket.IPPROTO_TCP, _CONGESTION, b"bbr")


def _set(sock: socket.socket, level: int, option: int | None, value: int | bytes) -> None:
    if option is not None:
        with suppress(OSError):  # not allowed to this user, or not in this kernel
            sock.setsockopt(level, option, value)


def _widen(sock: socket.socket, limits: _Limits) -> None:
    """Makes the window wide from the start, and lets it grow.

    Else it begins with 64 KiB. BBR finds it full after some round trips, takes this for what the
    link carries, and needs half a minute to find out more.
    """
    try:
        locks = sock.getsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK)
    except OSError:  # an old kernel: what is asked for would never grow
        locks = None
    if 2 * limits.asked > (limits.grown if locks is None else limits.first):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limits.asked)
        if locks is not None:
            sock.setsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK, locks & ~_RECEIVE_LOCK)


def _limits(name: str) -> _Limits | None:
    """The limits of a buffer, "wmem" or "rmem"; None if they are not known."""
    if sys.platform != "linux":
        return None
    try:
        with (
            open(f"/proc/sys/net/core/{name}_max") as asked,
            open(f"/proc/sys/net/ipv4/tcp_{name}") as sizes,
        ):
            _, first, grown = map(int, sizes.read().split())
            return _Limits(int(asked.read()), first, grown)
    except (OSError, ValueError):
        return None
