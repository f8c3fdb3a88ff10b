"""How a process ends: the first request stops it in order, the second one ends it at once."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cargo_sync.process.parent import when_gone

REST: Final = 4.5
"""Seconds in which everything must stop after the first signal; then the process ends anyway."""

_log = logging.getLogger(__name__)


class Stop:
    """A request to stop: after the first one everything stops in order; a second signal ends it."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._timer: threading.Timer | None = None

    def __call__(self) -> None:
        self._asked.set()

    async def wait(self) -> None:
        await self._asked.wait()

    def on_signals(self, reload: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)
        loop.add_signal_handler(signal.SIGHUP, reload)

    def with_parent(self) -> None:
        """Stops on SIGTERM, and when the process that started this one ends.

        Signals that a terminal sends to all its processes (Ctrl-C, or its own end) are ignored: the
        parent handles them.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._signalled, signal.SIGTERM)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

        def gone() -> None:
            with suppress(RuntimeError):  # the loop has already ended
                loop.call_soon_threadsafe(self)

        when_gone(gone)

    def at_last(self, seconds: float = REST) -> None:
        """Ends the process if it still runs after `seconds`; its files are valid at any moment."""
        self._timer = threading.Timer(seconds, _end_now, (1,))
        self._timer.daemon = True
        self._timer.start()

    def rested(self) -> None:
        """Everything has stopped: cancels `at_last`."""
        if self._timer is not None:
            self._timer.cancel()

    def _signalled(self, number: signal.Signals) -> None:
        if self._asked.is_set():
            _end_now(128 + number)
        _log.info("%s: stopping; a second signal ends the process at once", number.name)
        self()


def _end_now(code: int) -> None:
    logging.shutdown()
    os._exit(code)
