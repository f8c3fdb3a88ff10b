"""Calls side by side, and which of their failures concern everything."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from cargo_sync.model.problems import Code, ProblemError

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 16
"""Calls of one kind that run at the same time."""

WHOLE: Final = frozenset(
    {
        Code.UNREACHABLE,
        Code.UNKNOWN_HOST,
        Code.TIMEOUT,
        Code.CUT,
        Code.BUSY,
        Code.THROTTLED,
        Code.STOPPED,
        Code.ROOT_GONE,
        Code.UNAUTHORIZED,
        Code.LOGGED_OUT,
        Code.EXPIRED,
        Code.CERTIFICATE,
        Code.TLS,
        Code.PLAIN,
    }
)
"""Codes of problems that concern the server as a whole: they end a call, or a transfer."""


def is_whole(error: ProblemError) -> bool:
    """Whether what failed concerns everything, not one path."""
    return error.problem.code in WHOLE


async def together(
    work: Callable[[T], Awaitable[R]], items: Iterable[T], at_once: int = AT_ONCE
) -> list[R]:
    """Does the same with each item, so many at a time; returns the results in order.

    Raises:
        ProblemError: the first that any of them raised; the others are cancelled.
    """
    room = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with room:
            return await work(item)

    return await all_of([one(item) for item in items])


async def as_far_as(
    work: Callable[[T], Awaitable[R]], items: Sequence[T], done: list[R], grace: float
) -> None:
    """As `together`, but `done` gets the results, in order: also when not all can be done.

    After a failure or a stop nothing more begins, and what is under way has `grace` seconds to end.

    Raises:
        ProblemError: the first that any of them raised.
    """
    results: dict[int, R] = {}
    left = list(enumerate(items))[::-1]

    async def some() -> None:
        while left:
            at, item = left.pop()
            results[at] = await work(item)

    tasks = [asyncio.ensure_future(some()) for _ in items[:AT_ONCE]]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            left.clear()
            await asyncio.wait(tasks, timeout=grace)
    except asyncio.CancelledError:
        left.clear()
        with suppress(asyncio.CancelledError):  # a second stop ends the grace
            await asyncio.wait(tasks, timeout=grace)
        raise
    finally:
        for task in tasks:
            task.cancel()
        try:
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            done += [results[at] for at in sorted(results)]
    failures = [one for one in ended if one is not None]
    for failure in sorted(failures, key=lambda one: isinstance(one, asyncio.CancelledError)):
        raise failure


async def all_of(work: Sequence[Awaitable[R]]) -> list[R]:
    """Runs all of these at the same time; returns their results in order.

    Raises:
        ProblemError: the first that any of them raised; the others are cancelled, and have ended.
    """
    tasks: list[asyncio.Future[R]] = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            # One that was cancelled with all of this may be putting something right at its server:
            # a second time would cut that off.
            if not (isinstance(task, asyncio.Task) and task.cancelling()):
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
