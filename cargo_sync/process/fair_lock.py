"""A lock for threads that work in slices: they get it in the order of asking.

Python's own locks are taken by the fastest thread. A thread that gives one back and takes it again
at once, as between two slices of its work, is always faster than those that wait.
"""

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """May be taken several times by the thread that holds it, and is given back as often."""

    def __init__(self) -> None:
        self._inner = threading.Lock()
        """Held for a few instructions, to look at what follows."""
        self._owner: int | None = None
        self._depth = 0
        self._waiting: deque[tuple[int, threading.Lock]] = deque()

    def acquire(self, timeout: float = -1) -> bool:
        """Takes it; False if that was not possible within `timeout` seconds (-1: no limit)."""
        me = threading.get_ident()
        with self._inner:
            if self._owner in (None, me):
                self._owner = me
                self._depth += 1
                return True
            turn = threading.Lock()
            turn.acquire()
            waiter = (me, turn)
            self._waiting.append(waiter)
        if turn.acquire(timeout=timeout):  # `release` of the one before gives it to this thread
            return True
        with self._inner:
            if waiter not in self._waiting:
                return True  # `release` gave it to this thread just after the timeout
            self._waiting.remove(waiter)
            return False

    def release(self) -> None:
        """Gives it back; then it belongs to the thread that has waited longest."""
        with self._inner:
            self._depth -= 1
            if self._depth:
                return
            if not self._waiting:
                self._owner = None
                return
            self._owner, turn = self._waiting.popleft()
            self._depth = 1
        turn.release()

    def __enter__(self) -> "FairLock":
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
