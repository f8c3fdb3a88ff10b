"""Recording: what was done becomes agreements and events, also when a run is cut short.

A stop, or a side that fails, comes in the middle of steps as a rule. What was done by then is
recorded all the same: the next look would find both sides alike, and the history would never say
who did that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.contract import Tree
from cargo_sync.trees.cut_short import done_of

GRACE: Final = 10.0
"""Seconds that a stop waits for what is being recorded."""

Record = Callable[[Sequence[Outcome]], Coroutine[Any, Any, None]]
"""Records outcomes, which are durable on their sides already."""


async def recorded(recording: Coroutine[Any, Any, None]) -> None:
    """Records something. A stop that comes meanwhile is raised by the next wait, after it."""
    task = asyncio.ensure_future(recording)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task}, timeout=GRACE)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if task.cancelled() or task.exception() is not None:
            raise
        stopped = asyncio.current_task()
        assert stopped is not None
        stopped.uncancel()
        stopped.cancel()
        return
    task.result()


async def applied(tree: Tree, actions: Sequence[Action], run: str, record: Record) -> None:
    """Does steps, and records what became of them: of some, if something cuts them short.

    Raises:
        ProblemError: the side cannot be reached, or nothing can be recorded.
    """
    async with recording(record) as outcomes:
        outcomes += await tree.apply(actions, run)


@asynccontextmanager
async def recording(record: Record) -> AsyncIterator[list[Outcome]]:
    """What the block adds to the list is recorded at its end, however it ends."""
    outcomes: list[Outcome] = []
    try:
        yield outcomes
    except (asyncio.CancelledError, ProblemError) as error:
        outcomes += done_of(error)
        if outcomes:
            with suppress(ProblemError):  # then the next look finds out
                await recorded(record(outcomes))
        raise
    if outcomes:
        await recorded(record(outcomes))
