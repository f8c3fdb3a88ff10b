"""Write-behind: pieces are written in a thread while their caller hashes them and receives more.

Writing is half of the work of a receiver, and neither it nor hashing holds Python's lock: with two
free cores they run at the same time.
"""

import math
import os
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

BEHIND: Final = 256 << 10
"""Bytes from which a write is worth the way to another thread and back."""
CORES: Final = 4
"""Cores from which a receiver has one to spare for it. On two, a GiB takes a tenth longer so."""

Write = Callable[[], None]
_Result = BaseException | None


def behind_from() -> float:
    """Bytes from which a write is done in another thread on this machine."""
    return BEHIND if (os.cpu_count() or 1) >= CORES else math.inf


def at_once(write: Write) -> None:
    """Begins and ends a write."""
    write()


class WriteBehind:
    """Writes in a thread of its own, one piece at a time. One thread uses it.

    The thread begins with the first write, and ends with `close` or when nobody has this any more.
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[Write | None] = SimpleQueue()
        self._done: SimpleQueue[_Result] = SimpleQueue()
        self._started = self._busy = False

    def begin(self, write: Write) -> None:
        """Begins a write. The one before must have ended.

        If the system has no thread left, it is done at once.
        """
        if not self._started and not self._start():
            write()
            return
        self._busy = True
        self._asked.put(write)

    def end(self) -> None:
        """Waits for the end of the write that was begun, if there is one; raises what it raised."""
        if not self._busy:
            return
        self._busy = False
        if (error := self._done.get()) is not None:
            raise error

    def close(self) -> None:
        """Ends the thread; `begin` starts another one. The last write must have ended."""
        if self._started:
            self._started = False
            self._asked.put(None)

    def _start(self) -> bool:
        queues = self._asked, self._done
        thread = threading.Thread(target=_run, args=queues, name="write-behind", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        weakref.finalize(self, self._asked.put, None)
        self._started = True
        return True


def _run(asked: SimpleQueue[Write | None], done: SimpleQueue[_Result]) -> None:
    while (write := asked.get()) is not None:
        try:
            write()
        except BaseException as error:
            done.put(error)
        else:
            done.put(None)
        del write  # it holds the piece's buffer
