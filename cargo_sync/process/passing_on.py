"""Bytes of a connection go from the socket to where they are used in one thread, MiB by MiB.

An event loop that receives for another thread gives it memory that has left the processor's cache
by then, and both wait for each other at each piece. So, as long as bytes come fast, the thread that
uses them receives them, too. It never waits for long: what is slow is the event loop's.
"""

import os
import select
import weakref
from collections.abc import Callable
from typing import Final

PIECE: Final = 2**20
"""Bytes that are received before they are used, if as many come."""
WAITED: Final = 5
"""Milliseconds without a byte after which the event loop waits for the next one."""
LONGEST: Final = 0.1
"""Seconds after which no more of a piece is waited for: a line that has become slow must not keep a
thread, which others need."""

Put = Callable[[memoryview], None]
"""Uses bytes, in any thread; the memory has others afterwards."""


class OwnDescriptor:
    """Another descriptor of a socket. It is closed when nobody has this any more.

    So it is also if the work with it never begins.
    """

    def __init__(self, fd: int) -> None:
        self.fd = os.dup(fd)
        weakref.finalize(self, os.close, self.fd)


def passed_on(
    socket: OwnDescriptor, memory: memoryview, most: int, put: Put, now: Callable[[], float]
) -> tuple[int, OSError | None]:
    """Passes on what comes at once, in this thread.

    Args:
        socket: it does not block.
        memory: for one piece.
        most: bytes.
        put: gets them, in order. What it raises ends this.
        now: steady seconds.

    Returns:
        How many bytes `put` has got, and why the connection failed; None: it did not. Its end is
        seen by whoever receives next.
    """
    waiting = select.poll()
    waiting.register(socket.fd, select.POLLIN)
    done, may_come, error = 0, True, None
    while may_come and done < most:
        piece = memory[: most - done]
        count, until = 0, now() + LONGEST
        while may_come and count < len(piece):
            try:
                got = os.readv(socket.fd, [piece[count:]])
            except BlockingIOError:
                may_come = now() < until and bool(waiting.poll(WAITED))
                continue
            except OSError as failed:
                got, error = 0, failed
            count += got
            may_come = got > 0
        if count:
            put(piece[:count])
            done += count
    return done, error
