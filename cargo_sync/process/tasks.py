"""Tasks of a process that runs for years: what nobody foresaw in one of them costs only that one.

A task group ends all of its tasks when one of them fails. That is right within one job, whose
supervisor starts again as a whole. It is wrong for a process: a bug that shows in one session, one
connection or one report must not end the others. So each task of a daemon's or server's group runs
`contained` or `lasting`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from cargo_sync.process.wakeup import Wakeup

T = TypeVar("T")

AGAIN: Final = 30.0
"""Seconds after which work that failed begins again."""
SOON: Final = 1.0
"""The same for work that people wait for."""

_log = logging.getLogger(__name__)


async def contained(work: Awaitable[object], what: str, *, job: str = "") -> None:
    """Does `work` once. An exception is logged, and goes no further.

    Args:
        work: what to do.
        what: a name of the work for the log.
        job: the job that it is about, or "".
    """
    try:
        await work
    except Exception as error:
        _log.error("%s failed unexpectedly", what, exc_info=error, extra={"job": job})


async def lasting(
    work: Callable[[], Awaitable[object]], what: str, *, job: str = "", again: float = AGAIN
) -> None:
    """Does `work` until it ends by itself. After an exception, which is logged, it begins again.

    Args:
        work: what to do; it may be called several times.
        what: a name of the work for the log.
        job: the job that it is about, or "".
        again: seconds from a failure to the next beginning.
    """
    task = asyncio.current_task()
    while True:
        try:
            await work()
            return
        except Exception as error:
            words = "%s failed unexpectedly; it begins again in %g s"
            _log.error(words, what, again, exc_info=error, extra={"job": job})
        if task is not None and task.cancelling():
            return  # it failed while it ended, and whoever ends it waits
        await Wakeup().wait(again)


async def uninterrupted(work: Coroutine[Any, Any, None]) -> bool:
    """Does `work` in a task of its own, which goes on when the caller is cancelled.

    Returns:
        Whether the caller was cancelled meanwhile. It raises CancelledError when it has done what
        had to follow.
    """
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    return cancelled


async def finished(work: Coroutine[Any, Any, T], seconds: Callable[[], float]) -> T:
    """Does `work` that others see. When the caller is cancelled, it has some seconds to end.

    Work that is cut off may have been done, or not. If it ends in time, its result is returned
    although the caller was cancelled: whoever has cancelled it counts what was done. So it is if
    the work finds out, when it is cut off, that it was done.

    Raises:
        asyncio.CancelledError: it has not ended in time, and was cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if (left := seconds()) > 0:
            await uninterrupted(_ended(task, left))  # it may be cancelled more than once
        await cut_off(task)
        if not task.cancelled():
            return task.result()
        raise
    finally:
        await cut_off(task)


async def cut_off(task: asyncio.Future[Any]) -> None:
    """Cancels a task, and waits until it has ended.

    There is no wait for one that has: a caller that is cancelled in it would lose the result.
    """
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _ended(task: asyncio.Future[Any], seconds: float) -> None:
    await asyncio.wait({task}, timeout=seconds)
