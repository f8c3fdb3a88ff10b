"""A test that is stuck shows where all threads are.

pytest's own `faulthandler_timeout` starts a thread for each test and waits for its end, ten
thousand times. Here one thread watches many tests: a new one starts with the first test that begins
`_OFTEN` after the last start. `-o stuck_after=0` is for a test that may take hours.
"""

import faulthandler
import time
from typing import Final

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

_OFTEN: Final = 60.0


def add_option(parser: pytest.Parser) -> None:
    parser.addini("stuck_after", "seconds that no test takes; 0: none is watched", default="600")


def watch(config: pytest.Config) -> None:
    if after := float(config.getini("stuck_after")):
        config.pluginmanager.register(_Watch(after))


class _Watch:
    """Shows a test after `after` seconds, or up to `_OFTEN` later: it may not be the first one of
    its thread. That is where pytest shows a crash, too: on the real stderr, which is not captured.
    """

    def __init__(self, after: float) -> None:
        self._after = after
        self._next = 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        if (now := time.monotonic()) >= self._next:
            self._next = now + _OFTEN
            stderr = item.config.stash[fault_handler_stderr_fd_key]
            faulthandler.dump_traceback_later(self._after + _OFTEN, file=stderr)

    def pytest_exception_interact(self) -> None:
        """A test has failed: there pytest ends the thread, because somebody may look for long."""
        self._next = 0.0

    def pytest_sessionfinish(self) -> None:
        faulthandler.cancel_dump_traceback_later()
