"""Says what a start waits for, if it takes long.

A thread says it: what the start waits for may hold up the event loop, too.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final, Self

FIRST: Final = 10.0
AGAIN: Final = 60.0

_log = logging.getLogger(__name__)


class SlowStart:
    """One start of a process, while it is entered. Any thread may change what it is at.

    work  what it does now, in words
    asks  gives what that waits for, or ""; it may block, and runs in the thread
    """

    def __init__(self, first: float = FIRST, again: float = AGAIN) -> None:
        """It speaks after `first` seconds, then each `again` seconds."""
        self._pauses = (first, again)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slow start", daemon=True)
        self.work = ""
        self.asks: Callable[[], str] = lambda: ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over()

    def over(self) -> None:
        """It has started, or never will."""
        self._over.set()

    def _run(self) -> None:
        pause, again = self._pauses
        passed = 0.0
        while not self._over.wait(pause):
            passed, pause = passed + pause, again
            words = f"the start has taken {passed:.0f} s so far: {self.work}"
            try:
                if why := self.asks():
                    words += f"; it waits for {why}"
            except Exception as error:
                words += f"; what it waits for cannot be found out: {error}"
            if not self._over.is_set():
                _log.warning("%s", words)
