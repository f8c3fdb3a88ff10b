"""A server starts although its database is away or locked for a while."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.patient_start import PATIENCE, PatientStart, StoppedError
from cargo_sync.process.slow_start import SlowStart
from tests.server.surroundings import Clock


def starting(clock: Clock, pauses: list[float]) -> tuple[SlowStart, PatientStart]:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        clock.now += seconds

    slow = SlowStart()
    return slow, PatientStart(slow, asyncio.Event().wait, lambda: clock.now, pause)


def failing(*codes: Code) -> Callable[[], str]:
    """What fails once for each of these, then does not."""
    left = list(codes)

    def work() -> str:
        if left:
            raise ProblemError(Problem(left.pop(0), "the database does not answer"))
        return "open"

    return work


@pytest.mark.parametrize(
    ("codes", "ends", "waits"),
    [
        ((), "open", []),
        ((Code.DATABASE_AWAY, Code.STATE_LOCKED, Code.DATABASE_AWAY), "open", [0.75, 1.5, 3.0]),
        ((Code.DATABASE_AWAY, Code.STATE_IN_USE), Code.STATE_IN_USE, [0.75]),
        ((Code.STATE_NEWER,), Code.STATE_NEWER, []),
        ((Code.DATABASE_AWAY,) * 100, Code.DATABASE_AWAY, None),
    ],
)
async def test_it_waits_for_what_passes(
    codes: tuple[Code, ...],
    ends: str,
    waits: list[float] | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, pauses = Clock(0.0), list[float]()
    slow, start = starting(clock, pauses)
    found: str
    try:
        found = await start.done("the state is opened", failing(*codes))
    except ProblemError as error:
        found = error.problem.code
    assert found == ends
    assert pauses == waits if waits is not None else PATIENCE <= clock.now < PATIENCE + 15
    assert len(caplog.records) == bool(pauses), "it is said once"
    assert slow.work.startswith("the state is opened")
    assert ("does not answer" in slow.work) == bool(pauses)


async def test_it_ends_while_it_waits() -> None:
    asked, free = asyncio.Event(), threading.Event()
    start = PatientStart(SlowStart(), asked.wait, lambda: 0.0)
    waits = asyncio.ensure_future(start.done("the state is opened", free.wait))
    asyncio.get_running_loop().call_soon(asked.set)
    try:
        with pytest.raises(StoppedError):
            await asyncio.wait_for(waits, 60)
    finally:
        free.set()
