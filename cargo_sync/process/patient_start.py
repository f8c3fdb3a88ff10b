"""What needs a database at a start is tried again: it may start later than this process."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from cargo_sync.machines.retry import delay
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.process.slow_start import SlowStart
from cargo_sync.process.wakeup import Wakeup

PATIENCE: Final = 600.0
"""Seconds; then the process ends, and its service manager decides."""
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 15.0
PASSES: Final = frozenset({Code.DATABASE_AWAY, Code.STATE_LOCKED})

_log = logging.getLogger(__name__)
T = TypeVar("T")


class StoppedError(Exception):
    """The process is to end before it has started."""


async def _pause(seconds: float) -> None:
    await Wakeup().wait(seconds)


class PatientStart:
    """What needs the database is tried again while that is away or locked.

    Args:
        slow: is told what is done, and why it waits.
        stopped: returns when the process is to end.
        steady: seconds.
        pause: waits for so many.
    """

    def __init__(
        self,
        slow: SlowStart,
        stopped: Callable[[], Awaitable[object]],
        steady: Callable[[], float],
        pause: Callable[[float], Awaitable[object]] = _pause,
    ) -> None:
        self._slow = slow
        self._stopped = stopped
        self._steady = steady
        self._pause = pause

    async def done(self, what: str, work: Callable[[], T]) -> T:
        """What `work` returns, which is called in a thread, for it blocks.

        Raises:
            ProblemError: it fails in another way, or for ten minutes.
            StoppedError: the process is to end; `work` may still run.
        """
        trying = asyncio.ensure_future(self._tried(what, work))
        ending = asyncio.ensure_future(self._stopped())
        try:
            await asyncio.wait({trying, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not trying.done():
                raise StoppedError
            return trying.result()
        finally:
            trying.cancel()
            ending.cancel()

    async def _tried(self, what: str, work: Callable[[], T]) -> T:
        until, tries, self._slow.work = self._steady() + PATIENCE, 0, what
        while True:
            try:
                return await _called(work)
            except ProblemError as error:
                if error.problem.code not in PASSES or self._steady() >= until:
                    raise
                tries += 1
                if tries == 1:
                    _log.warning("%s: %s; it is tried for ten minutes", what, error)
                self._slow.work = f"{what}: {error}"
            await self._pause(delay(tries, 0.5, FIRST_WAIT, LONGEST_WAIT))


async def _called(work: Callable[[], T]) -> T:
    """What `work` returns in a thread for which the process does not wait at its end."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(settled: Callable[[], object]) -> None:
        if not answer.done():  # nobody waits any more
            settled()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            tell = _bound(answer.set_exception, error)
        else:
            tell = _bound(answer.set_result, result)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, tell)

    threading.Thread(target=run, name="start", daemon=True).start()
    return await answer


def _bound(call: Callable[[T], object], value: T) -> Callable[[], object]:
    return lambda: call(value)
