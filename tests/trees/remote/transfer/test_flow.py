"""A transfer that is stopped, or fails: what it has moved by then is told, and so recorded."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.contract import Brought, Task
from cargo_sync.trees.remote.contract import NewFile, Pace
from cargo_sync.trees.remote.transfer import flow
from cargo_sync.trees.remote.transfer.files import MovingFiles
from cargo_sync.trees.remote.transfer.limits import TransferLimits
from tests.conformance.remotes import BUCKET
from tests.trees.remote.trees import RUN, Clocks, ServerTree, put

ENDS = {
    "stopped": None,
    "failed": ProblemError(Problem(Code.UNREACHABLE, "the server does not answer")),
}


@pytest.mark.parametrize("again", [False, True], ids=["once", "stopped meanwhile"])
@pytest.mark.parametrize("end", ENDS)
async def test_what_was_moved_before_the_end_is_told(
    end: str, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "GRACE", 0.0)
    end_tasks = flow._end

    async def ending(*tasks: asyncio.Task[None]) -> None:
        if again:
            following.cancel()
        await end_tasks(*tasks)

    monkeypatch.setattr(flow, "_end", ending)
    far, near = ServerTree(Clocks().world, BUCKET), MemoryTree("near")
    await far.open()
    waits, store = asyncio.Event(), far.remote.put
    written = asyncio.Event()

    async def slow(file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace) -> Entry:
        if file.path == "slow":
            waits.set()
            await asyncio.Event().wait()  # until it is stopped
        if file.path == "last":
            await written.wait()
            assert (failure := ENDS[end]) is not None
            raise failure
        return await store(file, content, replaced, pace)

    monkeypatch.setattr(far.remote, "put", slow)
    paths = ["slow", "one", "two"]
    tasks = [put(path, near.write(path, path.encode())) for path in paths]
    told: list[Brought] = []

    async def batches() -> AsyncIterator[Sequence[Task]]:
        yield tasks
        if ENDS[end] is not None:
            yield [put("last", near.write("last", b"last"))]

    async def follow() -> None:
        async for brought in far.transfer(Mode.UPLOAD, near, batches(), None, RUN):
            await asyncio.sleep(0)  # it is recorded
            told.append(brought)

    following = asyncio.create_task(follow())
    await waits.wait()
    while len(far.server.files()) < 2:
        await asyncio.sleep(0)
    written.set()
    if ENDS[end] is None:
        following.cancel()
    with pytest.raises(ProblemError if ENDS[end] and not again else asyncio.CancelledError):
        await following
    [brought] = told
    assert [task.action.path for task in brought.done] == ["one", "two"]
    assert [receipt.code for receipt in brought.receipts] == ["done", "done"]
    assert not brought.failed
    assert far.open_tasks() == []


async def test_what_moved_in_the_moment_of_a_stop_counts() -> None:
    files = MovingFiles(TransferLimits(asyncio.Semaphore(1), lambda: 0.0), lambda: 0.0)
    offer, moving = Offer("a", 1, 0, 0, 1, 0, "0" * 32), list[asyncio.Task[Receipt]]()

    async def work() -> Receipt:
        moving[0].cancel()
        return Receipt("done", 7)

    moving.append(asyncio.create_task(files.alone(offer, work())))
    assert (await moving[0]).version == 7
