"""How a flow is opened, with a server in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from typing import Any, cast

import pytest

from cargo_sync.lanes.end import OPEN_MAX
from cargo_sync.lanes.figures import Figures
from cargo_sync.lanes.sender import Sender
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Receipt
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.cargo import flow as flow_module
from cargo_sync.trees.cargo.api import Api, ServerLogin
from cargo_sync.trees.cargo.flow import ClientFlow, _Committed, _Over
from cargo_sync.trees.cargo.opening import GrantedFlow
from cargo_sync.trees.cargo.replies import Decoder, T
from cargo_sync.trees.cargo.requests import Body
from cargo_sync.trees.contract import Brought, Task
from cargo_sync.wire.messages import LinkReport
from tests.server.flows.test_flows import REAL

LOGIN = ServerLogin("http://127.0.0.1:9", "ana", lambda: "")


class Meanwhile(Api):
    """Another speed is set while a flow is being opened. No server listens at its lane's port."""

    def __init__(self) -> None:
        super().__init__(LOGIN, REAL.steady)
        self.calls: list[tuple[str, int | None]] = []
        self.flow: ClientFlow | None = None

    async def post(self, path: str, reply: Decoder[T], body: Body) -> T:
        speed = body["speed"]
        assert speed is None or isinstance(speed, int)
        self.calls.append((path, speed))
        if self.flow is not None and path == "/flows":
            await self.flow.set_speed(7)
        lane = {"port": 9, "token": "ab" * 16, "auth": "cd" * 32}
        return reply({"flow": "f1", "lane": lane, "granted": speed})

    async def delete(self, path: str) -> None:
        return None


async def test_a_speed_that_is_set_while_it_opens_is_asked_for_after() -> None:
    near, api = MemoryTree("near"), Meanwhile()
    api.flow = flow = ClientFlow(api, REAL, nullcontext(), 5)

    async def batches() -> AsyncIterator[list[Task]]:
        yield [Task(Action(Op.PUT, "a", near.write("a", b"1")), "0" * 32)]

    with pytest.raises(ProblemError):
        async for _ in flow.run(Mode.UPLOAD, near, batches(), ("default", ""), "run"):
            pass
    assert api.calls == [("/flows", 5), ("/flows/f1/speed", 7)]
    await flow.set_speed(9)  # it has ended
    assert len(api.calls) == 2


class Slow(Api):
    """A server that grants what it is asked for, when it may answer."""

    def __init__(self) -> None:
        super().__init__(LOGIN, REAL.steady)
        self.asked: list[int | None] = []
        self.may = asyncio.Event()

    async def post(self, path: str, reply: Decoder[T], body: Body) -> T:
        speed = body["speed"]
        assert speed is None or isinstance(speed, int)
        self.asked.append(speed)
        await self.may.wait()
        return reply({"granted": speed})


async def test_speeds_are_asked_for_one_after_the_other_and_each_call_hears_its_answer() -> None:
    api, machine = Slow(), cast(Sender, object())
    flow = ClientFlow(api, REAL, nullcontext(), 9)
    flow._id, flow.granted = "f1", 9
    first, second = (asyncio.create_task(flow.set_speed(bits)) for bits in (5, 4))
    await settled()
    assert api.asked == [5], "the server cannot mix them up"
    flow._machine = machine
    api.may.set()
    assert (await first, await second, api.asked) == (5, 4, [5, 4])
    assert flow.granted == 9, "the lane has not heard of it yet"
    flow._machine = None
    assert (await flow.set_speed(3), flow.granted) == (3, 3)


class Lane:
    """A lane and its machine in one, which makes submitted calls at once.

    `heard` has the batches that it got, and "finish".
    """

    def __init__(self) -> None:
        self.heard: list[int | str] = []

    def submit(self, call: Callable[[], None]) -> None:
        call()

    def hand_over(self, number: int, _offers: object) -> None:
        self.heard.append(number)

    def finish(self) -> None:
        self.heard.append("finish")

    def figures(self) -> Figures:
        return Figures()


async def settled() -> None:
    """Until the feeder waits for room; nothing else is to be done meanwhile."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_each_batch_that_is_committed_makes_room_for_the_next() -> None:
    lane: Any = Lane()
    flow = ClientFlow(Meanwhile(), REAL, nullcontext(), None)
    task = Task(Action(Op.PUT, "a", Entry("a", FILE, 1)), "0" * 32)
    total = OPEN_MAX + 3

    async def rest() -> AsyncIterator[list[Task]]:
        for _ in range(total - 1):
            yield [task]

    feeder = asyncio.create_task(
        flow._feed(lane, lane, lane.hand_over, [task], rest(), ("default", ""))
    )
    await settled()
    assert lane.heard == list(range(OPEN_MAX)), "no more than these are open at a time"
    for number in range(total):
        flow._brought(_Committed(number, [Receipt("done")], 0.0, LinkReport(), {}))
        await settled()
        handed_over = min(total, OPEN_MAX + 1 + number)
        assert lane.heard[:handed_over] == list(range(handed_over))
        assert lane.heard[handed_over:] == (["finish"] if handed_over == total else [])
    await feeder


class EndingThread:
    """Runs a lane that does nothing by itself."""

    def __init__(self, *_: object) -> None: ...

    def start(self) -> None: ...

    def submit(self, call: Callable[[], None]) -> None:
        call()

    def join(self, _: float) -> bool:
        return True


class Committed(Lane):
    """A lane that commits what it gets, just when the transfer is stopped."""

    def __init__(self, flow: ClientFlow) -> None:
        super().__init__()
        self._flow = flow
        self.following: asyncio.Task[None] | None = None

    def hand_over(self, number: int, _offers: object) -> None:
        assert self.following is not None
        receipts = [Receipt("done", 7)]
        self._flow._results.put_nowait(_Committed(number, receipts, 1.0, LinkReport(), {}))
        self.following.cancel()

    def cancel(self) -> None:
        self.heard.append("cancel")
        if self.following is not None:
            self.following.cancel()  # a second stop, while the lane ends

    def resumed(self) -> dict[str, int]:
        return {}


async def test_what_was_committed_before_a_stop_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = ClientFlow(Meanwhile(), REAL, nullcontext(), None)
    lane: Any = Committed(flow)
    monkeypatch.setattr(flow_module, "LaneThread", EndingThread)
    monkeypatch.setattr(GrantedFlow, "connect", lambda *_: (None, None))
    monkeypatch.setattr(flow, "_machinery", lambda *_: (lane, lane.hand_over))
    told: list[Brought] = []

    async def batches() -> AsyncIterator[list[Task]]:
        yield [Task(Action(Op.PUT, "a", Entry("a", FILE, 1)), "0" * 32)]

    async def follow() -> None:
        near = MemoryTree("near")
        async for brought in flow.run(Mode.UPLOAD, near, batches(), ("default", ""), "run"):
            await asyncio.sleep(0)  # it is recorded
            told.append(brought)

    lane.following = asyncio.create_task(follow())
    with pytest.raises(asyncio.CancelledError):
        await lane.following
    assert [receipt.version for one in told for receipt in one.receipts] == [7]
    assert lane.heard == ["cancel"], "it was ended once"


async def test_a_stop_while_a_batch_is_recorded_ends_the_lane_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flow = ClientFlow(Meanwhile(), REAL, nullcontext(), None)
    lane: Any = Committed(flow)
    monkeypatch.setattr(flow_module, "LaneThread", EndingThread)
    monkeypatch.setattr(GrantedFlow, "connect", lambda *_: (None, None))
    monkeypatch.setattr(flow, "_machinery", lambda *_: (lane, hand_over))
    told = 0

    def hand_over(number: int, _offers: object) -> None:
        flow._results.put_nowait(_Committed(number, [Receipt("done")], 1.0, LinkReport(), {}))
        if number == 1:
            flow._results.put_nowait(_Over(None))

    async def batches() -> AsyncIterator[list[Task]]:
        for path in ("a", "b"):
            yield [Task(Action(Op.PUT, path, Entry(path, FILE, 1)), "0" * 32)]

    async def follow() -> None:
        nonlocal told
        near, me = MemoryTree("near"), asyncio.current_task()
        async for brought in flow.run(Mode.UPLOAD, near, batches(), ("default", ""), "run"):
            told += len(brought.done)
            while flow._results.qsize() < 2 and told == 1:
                await asyncio.sleep(0)
            if me is not None and not me.cancelling():
                me.cancel()  # as it comes after what is recorded

    following = asyncio.create_task(follow())
    with pytest.raises(asyncio.CancelledError):
        await following
    assert told == 2
    assert lane.heard.count("cancel") == 1
    assert flow._lane is None
