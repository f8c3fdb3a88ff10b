"""A transfer that is stopped, or fails: what it has moved by then is told, and so recorded."""

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from blake3 import blake3

from cargo_sync.model.checkpoints import RESUMABLE
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.process.stopping import REST
from cargo_sync.testing.remote_content import MemoryUpload
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.contract import Brought, Task
from cargo_sync.trees.remote.contract import NewFile, Pace
from cargo_sync.trees.remote.together import all_of
from cargo_sync.trees.remote.transfer import files, flow, sending
from cargo_sync.trees.remote.transfer.fetching import SMALL
from cargo_sync.trees.remote.transfer.files import MovingFiles
from cargo_sync.trees.remote.transfer.limits import TransferLimits
from cargo_sync.trees.remote.transfer.near_end import OneByOne
from tests.conformance.remotes import BUCKET
from tests.offloads import a_turn_later
from tests.trees.remote.trees import RUN, Clocks, ServerTree, put

ENDS = {
    "stopped": None,
    "failed": ProblemError(Problem(Code.UNREACHABLE, "the server does not answer")),
}


class Ending:
    """A server on which "slow" never comes to an end, and "last" fails when others are there."""

    def __init__(self, far: ServerTree, failure: ProblemError | None) -> None:
        self._far, self._store = far, far.remote.put
        self._failure = failure
        self.waits = asyncio.Event()

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        if file.path == "slow":
            self.waits.set()
            await asyncio.Event().wait()  # until it is stopped
        if file.path == "last" and self._failure is not None:
            await self.others()
            raise self._failure
        return await self._store(file, content, replaced, pace)

    async def others(self) -> None:
        await self.waits.wait()
        while len(self._far.server.files()) < 2:
            await asyncio.sleep(0)


@pytest.mark.parametrize("again", [False, True], ids=["once", "stopped meanwhile"])
@pytest.mark.parametrize("end", ENDS)
async def test_what_was_moved_before_the_end_is_told(
    end: str, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, near, failure = ServerTree(Clocks().world, BUCKET), MemoryTree("near"), ENDS[end]
    await far.open()
    ending, end_tasks = Ending(far, failure), flow._end
    told: list[Brought] = []

    async def batches() -> AsyncIterator[Sequence[Task]]:
        for paths in (["slow", "one", "two"], ["last"] if failure else []):
            yield [put(path, near.write(path, path.encode())) for path in paths]

    async def follow() -> None:
        async for brought in far.transfer(Mode.UPLOAD, near, batches(), None, RUN):
            await asyncio.sleep(0)  # it is recorded
            told.append(brought)

    async def stopped_again(*tasks: asyncio.Task[None]) -> None:
        following.cancel()
        await end_tasks(*tasks)

    monkeypatch.setattr(flow, "GRACE", 0.0)
    monkeypatch.setattr(files, "GRACE", 0.0)
    monkeypatch.setattr(far.remote, "put", ending.put)
    if again:
        monkeypatch.setattr(flow, "_end", stopped_again)
    following = asyncio.create_task(follow())
    if failure is None:
        await ending.others()
        following.cancel()
    with pytest.raises(asyncio.CancelledError if failure is None or again else ProblemError):
        await following
    [brought] = [one for one in told if one.done or one.failed]
    assert [task.action.path for task in brought.done] == ["one", "two"]
    assert [receipt.code for receipt in brought.receipts] == ["done", "done"]
    assert [one.action.path for one in brought.failed] == ["slow"]
    assert far.open_tasks() == []


@pytest.mark.parametrize("size", [10, 9 * 2**20], ids=["small", "larger"])
async def test_what_others_see_is_told_although_the_answer_comes_after_a_stop(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, near = ServerTree(Clocks().world, BUCKET), MemoryTree("near")
    await far.open()
    told: list[Brought] = []

    def late(call: Callable[..., Awaitable[Entry]]) -> Callable[..., Awaitable[Entry]]:
        async def called(*args: object) -> Entry:
            entry = await call(*args)
            following.cancel()
            for _ in range(50):
                await asyncio.sleep(0)
            return entry

        return called

    async def batches() -> AsyncIterator[Sequence[Task]]:
        yield [put("a", near.write("a", b"x" * size))]

    async def follow() -> None:
        async for brought in far.transfer(Mode.UPLOAD, near, batches(), None, RUN):
            await asyncio.sleep(0)  # it is recorded
            told.append(brought)

    monkeypatch.setattr(flow, "GRACE", 0.0)
    monkeypatch.setattr(far.remote, "put", late(far.remote.put))
    monkeypatch.setattr(MemoryUpload, "publish", late(MemoryUpload.publish))
    following = asyncio.create_task(follow())
    with pytest.raises(asyncio.CancelledError):
        await following
    assert [receipt.code for one in told for receipt in one.receipts] == ["done"]


@pytest.mark.parametrize("size", [10, 9 * 2**20], ids=["small", "larger"])
async def test_what_was_published_here_is_told_although_a_stop_came_meanwhile(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, near = ServerTree(Clocks().world, BUCKET), MemoryTree("near")
    await far.open()
    far.server.write("a", b"x" * size)
    source = await far.remote.entry("a")
    assert source is not None
    told, call = list[Brought](), OneByOne.__call__

    async def late(self: OneByOne, work: Callable[..., Any], *args: Any) -> Any:
        result = await call(self, work, *args)
        if near.files():  # published
            following.cancel()
            for _ in range(50):
                await asyncio.sleep(0)
        return result

    async def batches() -> AsyncIterator[Sequence[Task]]:
        yield [put("a", source)]

    async def follow() -> None:
        async for brought in far.transfer(Mode.DOWNLOAD, near, batches(), None, RUN):
            await asyncio.sleep(0)  # it is recorded
            told.append(brought)

    monkeypatch.setattr(flow, "GRACE", 0.0)
    monkeypatch.setattr(OneByOne, "__call__", late)
    following = asyncio.create_task(follow())
    with pytest.raises(asyncio.CancelledError):
        await following
    assert [receipt.code for one in told for receipt in one.receipts] == ["done"]


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])
async def test_what_has_come_is_told_in_whichever_moment_the_stop_comes(
    mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "GRACE", 0.0)
    larger = RESUMABLE if mode is Mode.UPLOAD else SMALL + 1
    contents = {"a": b"a", "b": b"b", "larger": b"l" * larger}
    for turns in itertools.count():
        world = dataclasses.replace(Clocks().world, offload=a_turn_later)
        far, near = ServerTree(world, BUCKET), MemoryTree("near")
        far.remote.piece = far.server.chunk = larger
        await far.open()
        tasks = []
        for path, content in contents.items():
            if mode is Mode.DOWNLOAD:
                far.server.write(path, content)
            here = near.write(path, content) if mode is Mode.UPLOAD else None
            source = here or await far.remote.entry(path)
            assert source is not None
            tasks.append(put(path, source))
        told: list[str] = []
        following = asyncio.create_task(
            _told(far.transfer(mode, near, _one(tasks), None, RUN), told)
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        if following.done():
            break
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        there = far.server.files() if mode is Mode.UPLOAD else near.files()
        assert sorted(told) == sorted(there), f"stopped after {turns} turns"
    assert turns > 20 and sorted(told) == sorted(contents)


@pytest.mark.parametrize("size", [10, RESUMABLE], ids=["small", "larger"])
async def test_what_was_cut_off_in_the_sight_of_others_is_told_as_uncertain(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has all of it, and its answer does not come."""
    far, near = ServerTree(Clocks().world, BUCKET), MemoryTree("near")
    await far.open()
    told, sent = list[Brought](), asyncio.Event()

    def silent(call: Callable[..., Awaitable[Entry]]) -> Callable[..., Awaitable[Entry]]:
        async def called(*args: object) -> Entry:
            await call(*args)
            sent.set()
            await asyncio.Event().wait()
            raise AssertionError("it is cut off")

        return called

    async def follow() -> None:
        tasks = [put("a", near.write("a", b"x" * size)), put("later", near.write("later", b"y"))]
        async for brought in far.transfer(Mode.UPLOAD, near, _one(tasks), None, RUN):
            told.append(brought)

    monkeypatch.setattr(flow, "GRACE", 0.0)
    monkeypatch.setattr(files, "GRACE", 0.0)
    monkeypatch.setattr(sending, "AT_ONCE", 1)
    monkeypatch.setattr(far.remote, "put", silent(far.remote.put))
    monkeypatch.setattr(MemoryUpload, "publish", silent(MemoryUpload.publish))
    following = asyncio.create_task(follow())
    await sent.wait()
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    [failed] = [one for brought in told for one in brought.failed]
    content = blake3(b"x" * size if failed.action.path == "a" else b"y").hexdigest()
    assert failed.problem is not None and failed.problem.code is Code.UNCERTAIN
    assert failed.hash == content and failed.action.path in far.server.files()
    assert not any(brought.done for brought in told)


def test_what_a_stop_cuts_off_is_told_before_the_process_ends() -> None:
    """With what it takes to record it."""
    assert files.GRACE < flow.RIGHT
    assert flow.GRACE + flow.RIGHT <= REST - 0.5


async def _one(tasks: Sequence[Task]) -> AsyncIterator[Sequence[Task]]:
    yield tasks


async def _told(moving: AsyncIterator[Brought], told: list[str]) -> None:
    async for brought in moving:
        told += [task.action.path for task in brought.done]


async def test_what_moved_in_the_moment_of_a_stop_counts() -> None:
    files = MovingFiles(TransferLimits(asyncio.Semaphore(1), lambda: 0.0), lambda: 0.0)
    offer, moving = Offer("a", 1, 0, 0, 1, 0, "0" * 32), list[asyncio.Task[Receipt]]()

    async def work() -> Receipt:
        moving[0].cancel()
        return Receipt("done", 7)

    moving.append(asyncio.create_task(files.alone(offer, work())))
    assert (await moving[0]).version == 7


class Cut:
    """Carries files until they are cut off; each but the first has something to put right then."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.right: list[str] = []

    async def carry(self, tasks: Sequence[Task], receipts: dict[int, Receipt]) -> None:
        async def one(at: int) -> None:
            try:
                self.begun.set()
                await asyncio.Event().wait()
            finally:
                for _ in range(10 * at):
                    await asyncio.sleep(0)
                self.right.append(tasks[at].action.path)

        await all_of([one(at) for at in range(len(tasks))])

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("fed", [False, True])
async def test_what_is_cut_off_can_put_things_right(
    fed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, carrier = MemoryTree("near"), Cut()
    limits = TransferLimits(asyncio.Semaphore(1), lambda: 0.0)
    moving = flow.RemoteFlow(carrier, MovingFiles(limits, lambda: 0.0), limits)

    async def batches() -> AsyncIterator[Sequence[Task]]:
        yield [put(path, near.write(path, b"x")) for path in ("a", "b")]
        if not fed:
            await asyncio.Event().wait()

    async def follow() -> None:
        async for _ in moving.run(batches()):
            pass

    monkeypatch.setattr(flow, "GRACE", 0.0)
    following = asyncio.create_task(follow())
    await carrier.begun.wait()
    for _ in range(5):
        await asyncio.sleep(0)  # the next batch is waited for
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert carrier.right == ["a", "b"]


class Finishing(Cut):
    """Carries what is under way to its end, some turns later."""

    async def carry(self, tasks: Sequence[Task], receipts: dict[int, Receipt]) -> None:
        self.begun.set()
        for _ in range(20):
            await asyncio.sleep(0)
        receipts[0] = Receipt("done")


async def test_what_is_under_way_has_its_grace_although_nothing_more_begins() -> None:
    near, carrier, told = MemoryTree("near"), Finishing(), list[str]()
    limits = TransferLimits(asyncio.Semaphore(1), lambda: 0.0)
    moving = flow.RemoteFlow(carrier, MovingFiles(limits, lambda: 0.0), limits)
    results = moving.run(_one([put("a", near.write("a", b"x"))]))
    following = asyncio.create_task(_told(results, told))
    await carrier.begun.wait()
    for _ in range(5):
        await asyncio.sleep(0)  # there is no other batch
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert told == ["a"]
