"""The Tree contract of a far side, held against every one: here, that a speed may change
meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import argon2
import pytest

from cargo_sync.daemon.noted import Noted
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.jobs import Mode
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.tree import CargoTree
from cargo_sync.trees.contract import FarTree, Task
from tests.server.flows.test_flows import REAL, login
from tests.server.surroundings import CHEAP
from tests.server.test_app import running, settings

RUN = "20260101T000000Z-aaaaaaaa"


@pytest.fixture(params=["memory", "noted", "cargo"])
async def far(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FarTree]:
    if request.param != "cargo":
        memory = MemoryTree("far")
        yield memory if request.param == "memory" else Noted(memory)
        return
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)
    async with AsyncExitStack() as stack:
        up = await stack.enter_async_context(running(settings(tmp_path)))
        tree = CargoTree(Api(login(up), time.monotonic), "default", "", REAL, asyncio.Semaphore(1))
        stack.push_async_callback(tree.close)
        yield tree


async def test_a_speed_may_be_set_at_any_time_and_interrupts_nothing(far: FarTree) -> None:
    near = MemoryTree("near")
    await far.open()
    await far.set_speed(1_000_000)  # nothing is transferred: nothing happens

    async def batches() -> AsyncIterator[list[Task]]:
        for number, speed in enumerate((2_000_000, None, 500_000_000)):
            path = f"{number}.bin"
            yield [Task(Action(Op.PUT, path, near.write(path, b"0" * 1000)), f"{number:032x}")]
            await far.set_speed(speed)

    moved = [
        outcome.action.path
        async for outcomes in far.transfer(Mode.UPLOAD, near, batches(), 10_000_000, RUN)
        for outcome in outcomes
        if outcome.problem is None
    ]
    assert moved == ["0.bin", "1.bin", "2.bin"]
    await far.set_speed(None)
