"""Both directions at once: each gets its steps, and none goes on alone after a failure."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Any, cast

import pytest

from cargo_sync.engine.execution.both_ways import AHEAD, follow
from cargo_sync.engine.execution.direction import Direction
from cargo_sync.engine.planning import StepPage, Steps
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError

UP, DOWN = Mode.UPLOAD, Mode.DOWNLOAD
CUT = ProblemError(Problem(Code.CUT, "it was cut"))
Follow = Callable[[AsyncIterator[Steps]], Coroutine[Any, Any, None]]


class Ways:
    """Two directions; `did` has the paths of the steps that each has done."""

    def __init__(self, up: Follow | None = None, down: Follow | None = None) -> None:
        self.did: dict[Mode, list[str]] = {UP: [], DOWN: []}
        self.stopped: list[Mode] = []
        self.pages = 0
        self._special = {UP: up, DOWN: down}

    async def follow(self, pages: int, *directions: Mode) -> None:
        some = {mode: cast(Direction, _Way(self, mode)) for mode in directions or (UP, DOWN)}
        await follow(some, self._plan(pages))

    async def _plan(self, count: int) -> AsyncGenerator[StepPage, None]:
        for number in range(count):
            self.pages += 1
            yield StepPage({mode: [_steps(f"{mode} {number}")] for mode in (UP, DOWN)})

    async def run(self, mode: Mode, steps: AsyncIterator[Steps]) -> None:
        try:
            if special := self._special[mode]:
                await special(steps)
            async for some in steps:
                self.did[mode] += [action.path for action in some.actions]
        except asyncio.CancelledError:
            self.stopped.append(mode)
            raise


class _Way:
    def __init__(self, ways: Ways, mode: Mode) -> None:
        self._ways = ways
        self._mode = mode

    async def follow(self, steps: AsyncIterator[Steps], *, counted: bool = False) -> None:
        await self._ways.run(self._mode, steps)


def _steps(path: str) -> Steps:
    return Steps([Action(Op.MKDIR, path)])


async def _forever(_: AsyncIterator[Steps]) -> None:
    await asyncio.Event().wait()


def _fails(error: Exception) -> Follow:
    async def fail(steps: AsyncIterator[Steps]) -> None:
        await anext(steps)
        raise error

    return fail


async def test_each_direction_gets_its_own_steps_in_order() -> None:
    ways = Ways()
    await ways.follow(3)
    assert ways.did == {mode: [f"{mode} {number}" for number in range(3)] for mode in (UP, DOWN)}


async def test_one_direction_alone() -> None:
    ways = Ways()
    await ways.follow(2, DOWN)
    assert ways.did == {UP: [], DOWN: ["download 0", "download 1"]}


@pytest.mark.parametrize("failing", [UP, DOWN])
async def test_when_one_is_cut_the_other_stops_too(failing: Mode) -> None:
    fails = _fails(CUT)
    ways = Ways(*((fails, _forever) if failing is UP else (_forever, fails)))
    with pytest.raises(ProblemError, match="it was cut"):
        await ways.follow(100)
    assert ways.stopped == [UP if failing is DOWN else DOWN]


async def test_a_bug_is_not_hidden_by_a_cut() -> None:
    ways = Ways(_fails(CUT), _fails(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        await ways.follow(1)


async def test_the_survey_waits_for_a_direction_that_is_far_behind() -> None:
    go = asyncio.Event()

    async def later(_: AsyncIterator[Steps]) -> None:
        await go.wait()

    ways = Ways(up=later)
    going = asyncio.create_task(ways.follow(100))
    while ways.pages <= AHEAD:
        await asyncio.sleep(0)
    for _ in range(50):
        await asyncio.sleep(0)
    assert ways.pages == AHEAD + 1
    go.set()
    await going
    assert len(ways.did[UP]) == len(ways.did[DOWN]) == 100
