"""Two flows of one job: one turn, and one speed for both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cargo_sync.machines.newest_change import Lineage
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo import flows
from cargo_sync.trees.cargo.flows import JobFlows, part_of
from cargo_sync.trees.contract import Task

UP, DOWN = Mode.UPLOAD, Mode.DOWNLOAD


class Flow:
    """A flow that moves something between `go` and `stop`."""

    lineage = Lineage()

    def __init__(self, _api: object, _world: object, turn: Any, speed: int | None) -> None:
        self.turn = turn
        self.resumed: dict[str, int] = {}
        self.speeds = [speed]
        self.go, self.moves, self.stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.deaf = False

    async def run(self, *_: object) -> AsyncIterator[str]:
        await self.go.wait()
        async with self.turn:
            self.moves.set()
            yield "brought"
            await self.stop.wait()

    async def set_speed(self, bits: int | None) -> None:
        if self.deaf:
            raise ProblemError(Problem(Code.UNREACHABLE, "nobody answers"))
        self.speeds.append(bits)


class Job:
    """A job with a flow each way; `turns` says when it had its turn."""

    def __init__(self, share: int | None, group: asyncio.TaskGroup) -> None:
        self.turns: list[str] = []
        self._share = share
        self._group = group
        self.flows = JobFlows(None, None, self._turn(), ("default", ""))  # type: ignore[arg-type]

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        self.turns.append("begins")
        await self.flows.set_speed(self._share)
        yield
        self.turns.append("ends")

    async def begin(self, mode: Mode) -> Any:
        async def nothing() -> AsyncIterator[list[Task]]:
            return
            yield

        async def carry() -> None:
            near: Any = None
            async for _ in self.flows.run(mode, near, nothing(), 800, "run"):
                pass

        self._group.create_task(carry())
        while mode not in self.flows.running:
            await asyncio.sleep(0)
        return self.flows.running[mode]


@pytest.fixture(autouse=True)
def _flows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "ClientFlow", Flow)


async def moves(flow: Flow) -> None:
    flow.go.set()
    await flow.moves.wait()


async def ends(job: Job, mode: Mode, flow: Flow) -> None:
    flow.stop.set()
    while mode in job.flows.running:
        await asyncio.sleep(0)


async def test_the_job_has_one_turn_and_both_flows_share_its_speed() -> None:
    async with asyncio.TaskGroup() as group:
        job = Job(600, group)
        up, down = await job.begin(UP), await job.begin(DOWN)
        await moves(up)
        assert (job.turns, up.speeds[-1]) == (["begins"], 600)
        await moves(down)
        assert (job.turns, up.speeds[-1], down.speeds[-1]) == (["begins"], 300, 300)
        await job.flows.set_speed(500)
        assert (up.speeds[-1], down.speeds[-1]) == (250, 250)
        await ends(job, UP, up)
        assert (job.turns, down.speeds[-1]) == (["begins"], 500)
        again = await job.begin(UP)
        assert down.speeds[-1] == 500, "it moves nothing yet"
        await moves(again)
        assert (again.speeds[-1], down.speeds[-1]) == (250, 250)
        await ends(job, DOWN, down)
        await ends(job, UP, again)
        assert job.turns == ["begins", "ends"]


async def test_without_a_limit_nobody_is_asked_for_another_speed() -> None:
    async with asyncio.TaskGroup() as group:
        job = Job(None, group)
        up, down = await job.begin(UP), await job.begin(DOWN)
        await moves(up)
        asked = len(up.speeds)
        await moves(down)
        assert (up.speeds[asked:], down.speeds[-1]) == ([], None)
        await ends(job, UP, up)
        await ends(job, DOWN, down)


async def test_a_flow_that_ends_leaves_the_other_alone_if_its_speed_cannot_be_changed() -> None:
    async with asyncio.TaskGroup() as group:
        job = Job(600, group)
        up, down = await job.begin(UP), await job.begin(DOWN)
        await moves(up)
        await moves(down)
        down.deaf = True
        await ends(job, UP, up)
        assert down.speeds[-1] == 300
        down.deaf = False
        await ends(job, DOWN, down)
        assert job.turns == ["begins", "ends"]


@pytest.mark.parametrize(
    ("speed", "moving", "part"),
    [(None, 2, None), (600, 0, 600), (600, 1, 600), (601, 2, 300), (1, 2, 1)],
)
def test_part_of_a_speed(speed: int | None, moving: int, part: int | None) -> None:
    assert part_of(speed, moving) == part
