"""Both directions of a run at once, fed by one survey."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, Final

from cargo_sync.engine.execution.direction import Direction
from cargo_sync.engine.planning import StepPage, Steps
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError

AHEAD: Final = 8
"""Groups of steps that wait for a direction. If one direction is so far behind, the survey waits
for it, and so does the other direction then."""


async def follow(
    directions: Mapping[Mode, Direction], pages: AsyncGenerator[StepPage, None]
) -> None:
    """Does the steps of these pages, each direction on its own; returns when all are done.

    Raises:
        ProblemError: a side cannot be reached, or the connection was cut. Then all directions have
            stopped.
    """
    if len(directions) == 1:
        [(mode, direction)] = directions.items()
        await direction.follow(_only(mode, pages))
        return
    queues = {mode: asyncio.Queue[Steps | None](AHEAD) for mode in directions}
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_to_its_end(_hand_out(pages, queues)))
            for mode, direction in directions.items():
                group.create_task(_to_its_end(direction.follow(_from(queues[mode]))))
    except BaseExceptionGroup as several:
        raise _first(several) from several


class _CancelledWithinError(Exception):
    """What a task waited for was cancelled, and the task was not."""


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Does the work; a group would take no notice of one that ends because of a cancelled wait."""
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and not task.cancelling():
            raise _CancelledWithinError from error
        raise


async def _only(mode: Mode, pages: AsyncGenerator[StepPage, None]) -> AsyncIterator[Steps]:
    async with aclosing(pages):
        async for page in pages:
            for steps in page.ways.get(mode, ()):
                yield steps


async def _hand_out(
    pages: AsyncGenerator[StepPage, None], queues: Mapping[Mode, asyncio.Queue[Steps | None]]
) -> None:
    async with aclosing(pages):
        async for page in pages:
            for mode, some in page.ways.items():
                for steps in some:
                    await queues[mode].put(steps)
    for queue in queues.values():
        await queue.put(None)


async def _from(queue: asyncio.Queue[Steps | None]) -> AsyncIterator[Steps]:
    while (steps := await queue.get()) is not None:
        yield steps


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception to raise for several: a bug of ours before what is no surprise."""
    found = list(_flat(several))
    ends = (ProblemError, _CancelledWithinError)
    first = next((one for one in found if not isinstance(one, ends)), found[0])
    return asyncio.CancelledError() if isinstance(first, _CancelledWithinError) else first


def _flat(several: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for one in several.exceptions:
        found += _flat(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found
