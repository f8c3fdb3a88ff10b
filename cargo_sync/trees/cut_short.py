"""Steps that are cut short, by a stop or by a failure of their side: what was done of them by then.

What cuts them short carries the outcomes of the steps that are done (`done_of`), so that they can
be recorded. A step of which nobody knows whether it was done has none: the next look finds out.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from cargo_sync.model.actions import Outcome
from cargo_sync.model.problems import ProblemError
from cargo_sync.process.tasks import cut_off, uninterrupted

GRACE: Final = 2.0
"""Seconds that steps which are under way have to end when no more of them begin."""


class StepsStoppedError(asyncio.CancelledError):
    """A stop in the middle of steps; `outcomes` are those of the steps that are done."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


class StepsFailedError(ProblemError):
    """A problem of all steps came in the middle of them; `outcomes` as in `StepsStoppedError`."""

    def __init__(self, error: ProblemError, outcomes: Sequence[Outcome]) -> None:
        super().__init__(error.problem)
        self.outcomes = outcomes


def done_of(error: BaseException) -> Sequence[Outcome]:
    """The outcomes of the steps that were done before this was raised."""
    return error.outcomes if isinstance(error, StepsStoppedError | StepsFailedError) else ()


def cut_short_by(error: BaseException, outcomes: Sequence[Outcome]) -> NoReturn:
    """Raises `error` so that these outcomes are told with it."""
    if isinstance(error, asyncio.CancelledError):
        raise StepsStoppedError(outcomes) from error
    assert isinstance(error, ProblemError)
    raise StepsFailedError(error, outcomes) from error


@contextmanager
def told(outcomes: list[Outcome]) -> Iterator[None]:
    """What is in the list is told with a stop, or with a problem, that comes from the block."""
    try:
        yield
    except (asyncio.CancelledError, ProblemError) as error:
        outcomes += done_of(error)
        if not outcomes:
            raise
        cut_short_by(error, outcomes)


async def to_their_end(work: Coroutine[Any, Any, list[Outcome]]) -> list[Outcome]:
    """Does steps that nobody can stop in the middle.

    Raises:
        StepsStoppedError: a stop came meanwhile; it has waited for the steps, at most for GRACE.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as stop:
        await uninterrupted(_ended(task))
        if task.done() and not task.cancelled():
            error = task.exception()
            cut_short_by(stop, task.result() if error is None else done_of(error))
        raise
    finally:
        await cut_off(task)


async def _ended(task: asyncio.Future[Any]) -> None:
    await asyncio.wait({task}, timeout=GRACE)
