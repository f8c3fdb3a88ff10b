"""How many files and sockets may be open at once, and how many of them are kept back.

The system gives out the lowest free number. So the number of a new descriptor says how many are in
use, and a budget needs no bookkeeping: there is a line, and whoever gets a number at or above it
gives it back and fails alone. What is above the line belongs to the control plane and to the state.
Commands are answered as long as they have descriptors; without one, libzmq ends the process.

What stays open although nobody uses it at the moment (folders of jobs and workspaces, files that
are partly received) has a lower line, so that it never takes everything from what moves. That of
connections from outside is between the two.
"""

import errno
import logging
import os
import resource
import socket
from contextlib import suppress
from typing import Any, Final

MOST: Final = 65_536
"""More are not asked for, whatever the system allows."""
RESERVE: Final = 256
"""At least so many, and at least a quarter, are kept back, but never more than half."""
FEW: Final = 2 * RESERVE

_log = logging.getLogger(__name__)


def more_descriptors() -> None:
    """Raises the soft limit to the hard one, at most to `MOST`; a low limit is logged."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS has a second limit that cannot be read
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if limit() < FEW:
        _log.warning(
            "only %d files and connections may be open at once, and half of them are kept back for "
            "commands: raise the hard limit (systemd: LimitNOFILE)",
            limit(),
        )


def limit() -> int:
    """How many may be open in this process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else soft


def line(most: int) -> int:
    """The first number that is kept back, if `most` may be open."""
    return max(most - max(RESERVE, most // 4), most // 2)


def kept_line(line: int) -> int:
    """The line for what stays open although nobody uses it at the moment."""
    return line // 2


def door_line(line: int) -> int:
    """The line for connections from outside: who is inside needs descriptors for files."""
    return line * 3 // 4


def below(line: int, fd: int) -> int:
    """Returns a new descriptor; closes it if its number is not below the line.

    Raises:
        OSError: EMFILE.
    """
    if fd < line:
        return fd
    os.close(fd)
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def socket_below(line: int, made: socket.socket) -> socket.socket:
    """Returns a new socket; closes it if its number is not below the line.

    Raises:
        OSError: EMFILE.
    """
    if made.fileno() < line:
        return made
    made.close()
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def new_socket(info: tuple[int, int, int, str, Any]) -> socket.socket:
    """A new socket for a connection; `info` is one of the rows of `socket.getaddrinfo`.

    Raises:
        OSError: also EMFILE, at the line.
    """
    return socket_below(line(limit()), socket.socket(*info[:3]))
