"""Calls in threads that use one folder, which is not closed under them.

A call whose task was cancelled goes on in its thread.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cargo_sync.model.world import T, Ts

PATIENCE: Final = 3.0
"""Seconds to wait for running calls: that long a disk may hang."""


class Calls:
    """Counts the calls that run now.

    ends  how often they were ended
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._ending = False
        self.ends = 0

    def __call__(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Calls `work` in this thread."""
        with self._changed:
            self._running += 1
        try:
            return work(*args)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def go_on(self) -> bool:
        """False when long calls should stop soon."""
        return not self._ending

    @contextmanager
    def ended(self) -> Iterator[None]:
        """The block closes what the calls use: no call begins in it, and none runs any more.

        A call that does not end in time, because the disk hangs, is not waited for.
        """
        with self._changed:
            self._ending = True
            self.ends += 1
            try:
                self._changed.wait_for(lambda: not self._running, PATIENCE)
                yield
            finally:
                self._ending = False
