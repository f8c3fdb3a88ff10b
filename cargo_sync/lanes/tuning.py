"""The options of a lane's TCP socket. Options that the system does not have are skipped.

At 1% loss BBR keeps 80% of a long line, cubic 1%. But BBR times each burst, which costs as much as
sealing, and on a near line nothing is gained: there cubic moves the same in half of the CPU time.
"""

import socket
import sys
from contextlib import suppress
from typing import Final

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
_BUFFERS: Final = ((socket.SO_SNDBUF, "wmem"), (socket.SO_RCVBUF, "rmem"))


def tune(sock: socket.socket) -> None:
    """Sets the options of a socket that will connect, or of a listener for its connections."""
    for level, option, value in _OPTIONS:
        _set(sock, level, option, value)
    for option, name in _BUFFERS:
        size = _worthwhile(name)
        if size:
            sock.setsockopt(socket.SOL_SOCKET, option, size)


def suit(sock: socket.socket) -> None:
    """Chooses the congestion control for the line of a socket that is connected."""
    if not is_near(sock):
        _set(sock, socket.IPPROTO_TCP, _CONGESTION, b"bbr")


def _set(sock: socket.socket, level: int, option: int | None, value: int | bytes) -> None:
    if option is not None:
        with suppress(OSError):  # not allowed to this user, or not in this kernel
            sock.setsockopt(level, option, value)


def _worthwhile(name: str) -> int:
    """Bytes to ask for; 0 if the kernel's automatic growth allows more than a process may ask."""
    if sys.platform != "linux":
        return 0
    try:
        with (
            open(f"/proc/sys/net/core/{name}_max") as asked,
            open(f"/proc/sys/net/ipv4/tcp_{name}") as grown,
        ):
            allowed, reached = int(asked.read()), int(grown.read().split()[2])
    except (OSError, ValueError, IndexError):
        return 0
    # Linux doubles what is asked for, and it turns automatic growth off.
    return allowed if 2 * allowed > reached else 0
