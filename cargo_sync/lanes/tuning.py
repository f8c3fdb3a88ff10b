"""The options of a lane's TCP socket. Options that the system does not have are skipped."""

import socket
import sys
from typing import Final

_KEEPALIVE_IDLE: Final = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
_OPTIONS: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # The kernel answers these even while the process is busy: a broken connection is noticed within
    # 20 s.
    (socket.IPPROTO_TCP, _KEEPALIVE_IDLE, 5),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", None), 5),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", None), 3),
    # At 1% loss BBR keeps 80% of a long link, cubic 1%.
    (socket.IPPROTO_TCP, getattr(socket, "TCP_CONGESTION", None), b"bbr"),
)
_BUFFERS: Final = ((socket.SO_SNDBUF, "wmem"), (socket.SO_RCVBUF, "rmem"))


def tune(sock: socket.socket) -> None:
    """Sets the options. Before `connect`, or on a listener, it also makes the window larger."""
    for level, option, value in _OPTIONS:
        if option is not None:
            try:
                sock.setsockopt(level, option, value)
            except OSError:  # not allowed to this user, or not in this kernel
                continue
    for option, name in _BUFFERS:
        size = _worthwhile(name)
        if size:
            sock.setsockopt(socket.SOL_SOCKET, option, size)


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
