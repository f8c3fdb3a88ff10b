"""The contract of a far tree, for all of them: changes of speed, and its open tasks."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import argon2
import pytest

from cargo_sync.lanes.ports import Reader, Source
from cargo_sync.model import entries, paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.transfers import Offer
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.flow import ClientFlow
from cargo_sync.trees.cargo.tree import CargoTree
from cargo_sync.trees.contract import Delta, FarTree, Missed, Task
from tests.conformance.remotes import KINDS
from tests.server.flows.test_flows import REAL, login
from tests.server.surroundings import CHEAP
from tests.server.test_app import running, settings
from tests.trees.remote.trees import ServerTree

RUN = "20260101T000000Z-aaaaaaaa"


@pytest.fixture(params=["memory", "cargo", *KINDS])
async def far(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FarTree]:
    if request.param == "memory":
        yield MemoryTree("far")
        return
    if request.param in KINDS:
        yield ServerTree(REAL, KINDS[request.param])
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
        task.action.path
        async for brought in far.transfer(Mode.UPLOAD, near, batches(), 10_000_000, RUN)
        for task in brought.done
    ]
    assert moved == ["0.bin", "1.bin", "2.bin"]
    await far.set_speed(None)


class Watched(MemoryTree):
    """A near side that asks for the far side's open tasks each time a file is opened."""

    def __init__(self, far: FarTree) -> None:
        super().__init__("near")
        self._far = far
        self.open_tasks_then: list[list[str]] = []

    def source(self) -> Source:
        source = super().source()
        open_file = source.open

        def watched(offer: Offer) -> Reader:
            self.open_tasks_then.append([task.action.path for task in self._far.open_tasks()])
            return open_file(offer)

        source.open = watched  # type: ignore[method-assign]
        return source


async def test_what_was_taken_is_open_until_its_result(far: FarTree) -> None:
    near = Watched(far)
    await far.open()
    assert far.open_tasks() == []
    tasks = [
        Task(Action(Op.PUT, path, near.write(path, b"0" * 1000)), f"{number:032x}")
        for number, path in enumerate("abc")
    ]

    async def batches() -> AsyncIterator[list[Task]]:
        yield tasks

    async for brought in far.transfer(Mode.UPLOAD, near, batches(), None, RUN):
        assert (brought.done, brought.failed) == (tasks, ())
        assert far.open_tasks() == []
    assert near.open_tasks_then == [["a", "b", "c"]] * 3


async def test_a_batch_that_waits_for_its_turn_is_open() -> None:
    nothing: Any = None
    turn = asyncio.Semaphore(0)
    flow = ClientFlow(nothing, nothing, turn, None)
    task = Task(Action(Op.PUT, "a", Entry("a", FILE, 1)), "id")

    async def batches() -> AsyncIterator[list[Task]]:
        yield [task]

    async def run() -> None:
        async for _ in flow.run(Mode.UPLOAD, nothing, batches(), ("default", ""), RUN):
            raise AssertionError("it waits")

    waiting = asyncio.create_task(run())
    async with asyncio.timeout(10):
        while not flow.open_tasks():
            await asyncio.sleep(0)
    assert flow.open_tasks() == [task]
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait({waiting})


async def test_an_entry_of_the_far_side_moves_to_a_free_path(far: FarTree) -> None:
    near = MemoryTree("near")
    await far.open()
    assert await listed(far) == {}
    puts = [Action(Op.PUT, path, near.write(path, path.encode())) for path in ("a", "b")]

    async def batches() -> AsyncIterator[list[Task]]:
        yield [Task(action, f"{number:032x}") for number, action in enumerate(puts)]

    async for brought in far.transfer(Mode.UPLOAD, near, batches(), None, RUN):
        assert [receipt.code for receipt in brought.receipts] == ["done"] * 2
    there = await listed(far)

    def move(to: str, expected: Entry) -> Action:
        return Action(Op.MOVE, to, expected=expected, moved_from="a")

    file = there["a"]
    stale, occupied, moved = await far.apply(
        [move("c", file._replace(version=file.version + 9)), move("b", file), move("c", file)], RUN
    )
    codes = [one.problem and one.problem.code for one in (stale, occupied, moved)]
    assert codes == ["changed", "occupied", None]
    assert await listed(far) == {"b": there["b"], "c": moved.result}
    assert moved.result is not None
    swap = Action(Op.MOVE, "b", expected=moved.result, moved_from="c", occupant=there["b"])
    stale, done = await far.apply([swap._replace(occupant=file), swap], RUN)
    assert stale.problem and stale.problem.code == "changed"
    assert done.problem is None and done.result
    assert await listed(far) == {"b": done.result, "c": done.exchanged}
    if not isinstance(far, ServerTree):  # which tells of no changes, and keeps no identities
        assert done.places
        assert (done.result.version, done.result.ident) == (file.version, file.ident)


async def listed(far: FarTree) -> dict[str, Entry]:
    """What the far side has."""
    found: dict[str, Entry] = {}
    async for observation in far.observe(0):
        if not isinstance(observation, Delta):
            for one in observation:
                assert not isinstance(one, Missed)
                below = entries.decode(one.listing)
                found |= {paths.join(one.path, entry.name): entry for entry in below}
            continue
        for path, entry in observation.changes:
            if entry is None:
                found.pop(path, None)
            else:
                found[path] = entry
    return found
