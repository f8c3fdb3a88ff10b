"""The client's end of a flow: it is opened over HTTP, and a lane in a thread moves the content.

The planner makes new batches while the lane moves earlier ones; at most eight are open. The event
loop and the lane's thread share only two things: calls that are submitted to the thread, and a
queue of its results.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from functools import partial
from socket import socket
from typing import Any, Final, NamedTuple

from cargo_sync.lanes.end import OPEN_MAX
from cargo_sync.lanes.figures import Figures
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import pace_of
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.machines.meter import RateMeter
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.model import paths
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, is_vast
from cargo_sync.model.world import World
from cargo_sync.process.tasks import uninterrupted
from cargo_sync.process.wakeup import next_turn
from cargo_sync.trees.cargo import replies, requests
from cargo_sync.trees.cargo.api import Api, segment
from cargo_sync.trees.cargo.opening import GrantedFlow, end_flow, open_flow
from cargo_sync.trees.cargo.replies import SpeedReply
from cargo_sync.trees.contract import Brought, Ends, Moved, Task
from cargo_sync.trees.offers import brought, offers
from cargo_sync.wire.messages import LinkReport

GOODBYE: Final = 3.0
"""Seconds that a stopped lane may take to write its checkpoint."""
UNMEASURED: Final = 256 << 10
"""Bytes per second that a flow is expected to move before anything was measured."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch in the lane.

    since  when the lane got it, by the steady clock
    """

    tasks: Sequence[Task]
    since: float


@dataclass(frozen=True, slots=True)
class _Committed:
    """A batch that is committed, and what was known then.

    at      by the steady clock
    report  what the sender had measured since the lane began
    had     transfer id -> bytes that the receiver had of files that began before
    """

    batch: int
    receipts: list[Receipt]
    at: float
    report: LinkReport
    had: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Over:
    """The lane ended, or the planner failed; None if all went well."""

    error: BaseException | None


class _Milestone(NamedTuple):
    """When the batch before was committed, by the steady clock, and the frames lost until then."""

    at: float = 0.0
    lost: int = 0


FlowAnswer = _Committed | _Over


class ClientFlow:
    """One flow, from its opening to its end; `run` is called once.

    turn     entered while content moves, to limit how many flows of a daemon do so at once
    speed    bits per second to ask for; None means no limit
    granted  bits per second that the server granted, as the lane heard last: only there do changes
             come in their order
    lineage  of the changes that it makes on the server
    resumed  what the destination had of unfinished files, once the flow has ended
    """

    def __init__(
        self,
        api: Api,
        world: World,
        turn: AbstractAsyncContextManager[Any],
        speed: int | None,
    ) -> None:
        self._api = api
        self._world = world
        self._turn = turn
        self._speed = speed
        self._id = ""
        self._results: asyncio.Queue[FlowAnswer] = asyncio.Queue()
        self._open: dict[int, _Batch] = {}
        self._taken: Sequence[Task] = ()
        """The newest batch, while it waits for room in the lane."""
        self._again: list[Sequence[Task]] = []
        """Batches that an idle lane did not take any more."""
        self._coming: asyncio.Future[Sequence[Task] | None] | None = None
        self._room = asyncio.Semaphore(OPEN_MAX)
        self._machine: Sender | Receiver | None = None
        self._lane: LaneThread | None = None
        self._cancelled: set[str] = set()
        self._asking = asyncio.Lock()
        self._meter = RateMeter()
        self._before = _Milestone()
        self.granted: int | None = None
        self.lineage = Lineage()
        self.resumed: Mapping[str, int] = {}

    def figures(self) -> Figures | None:
        """The lane's figures; None while there is no lane."""
        return self._machine.figures() if self._machine else None

    def rate(self) -> int:
        """Like FarTree.rate."""
        measured = 0
        if self._machine is not None and self._open:
            content = self._machine.figures().content
            measured = int(self._meter.rate(self._world.steady(), content))
        else:
            self._meter = RateMeter()  # while nothing moves there is nothing to measure
        granted = self._speed if self._machine is None else self.granted
        rate = measured or UNMEASURED
        return rate if granted is None else min(rate, granted // 8)

    def open_tasks(self) -> list[Task]:
        """Like FarTree.open_tasks."""
        in_lane = [task for batch in self._open.values() for task in batch.tasks]
        waiting = [task for tasks in self._again for task in tasks]
        return [*in_lane, *waiting, *self._taken]

    def cancel(self, path: str) -> None:
        """Cancels the file at `path`, also before its turn comes."""
        self._cancelled.add(path)
        for number, batch in self._open.items():
            self._give_up(number, batch.tasks, {path})

    async def run(
        self,
        mode: Mode,
        near: Ends,
        batches: AsyncIterator[Sequence[Task]],
        where: tuple[str, str],
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        """Like FarTree.transfer; `where` is (workspace, folder). Opens no flow without content.

        A server ends a lane over which nothing moves for a while. Then another flow is opened when
        there is something to move again.
        """
        try:
            while (first := await self._next(batches)) is not None:
                self._taken = first
                async with (
                    self._turn,
                    aclosing(self._flow(mode, near, first, batches, where, run)) as results,
                ):
                    async for result in results:
                        yield result
        finally:
            if self._coming is not None:
                self._coming.cancel()
                await asyncio.gather(self._coming, return_exceptions=True)
                self._coming = None

    async def _flow(
        self,
        mode: Mode,
        near: Ends,
        first: Sequence[Task],
        batches: AsyncIterator[Sequence[Task]],
        where: tuple[str, str],
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        """One flow with its lane, until all is moved or nothing moves."""
        asked, over = self._speed, False
        opened = await open_flow(self._api, mode, where, asked, run)
        self._id, self.lineage, self.granted = opened.flow, opened.lineage, opened.speed
        try:
            if self._speed != asked:
                await self.set_speed(self._speed)
            async with aclosing(
                self._carry(mode, near, first, batches, opened, where, run)
            ) as results:
                async for result in results:
                    yield result
            over = True  # it was ended over the lane, by both ends
        finally:
            self._id = ""
            if not over:
                await end_flow(self._api, opened.flow)

    async def _next(self, batches: AsyncIterator[Sequence[Task]]) -> Sequence[Task] | None:
        """The next batch, None after the last one. If the wait is cancelled, none is lost."""
        if self._again:
            return self._again.pop(0)
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(batches, None))
        tasks = await asyncio.shield(self._coming)
        self._coming = None
        return tasks

    async def set_speed(self, bits: int | None) -> int | None:
        """Asks for another speed, or remembers it if the flow is not open yet.

        It asks once at a time: the server shall hear the newest speed last.

        Returns:
            What the server grants now, bits per second; None: no limit, or the flow is not open.

        Raises:
            ProblemError: the server could not be asked.
        """
        self._speed = bits
        async with self._asking:
            if not self._id:
                return None
            where = f"/flows/{segment(self._id)}/speed"
            body = requests.speed(self._speed)
            granted = (await self._api.post(where, SpeedReply.read, body)).granted
            if self._machine is None:  # else its lane hears it, after all changes before it
                self.granted = granted
            return granted

    async def _carry(
        self,
        mode: Mode,
        near: Ends,
        first: Sequence[Task],
        rest: AsyncIterator[Sequence[Task]],
        opened: GrantedFlow,
        where: tuple[str, str],
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        steady = self._world.steady
        sock, link = await self._world.offload(opened.connect, steady)
        loop = asyncio.get_running_loop()

        def post(result: FlowAnswer) -> None:
            loop.call_soon_threadsafe(self._results.put_nowait, result)

        self._before = _Milestone()
        machine, hand_over = self._machinery(mode, near, sock, link, post, run)
        self._machine = machine
        lane = LaneThread(
            machine, sock, f"lane {opened.flow[:8]}", lambda why: post(_Over(_error(why)))
        )
        self._lane = lane
        lane.start()
        feeder = asyncio.create_task(self._feed(lane, machine, hand_over, first, rest, where))
        try:
            while not isinstance(result := await self._results.get(), _Over):
                yield self._brought(result)
                await next_turn()  # here comes a stop that came while that was recorded
            if _is_idle(result.error):
                self._take_back()
            elif result.error is not None:
                raise result.error
        except asyncio.CancelledError:
            # What is committed is told first: if it were not recorded, the next look could not know
            # whose it is.
            await uninterrupted(self._end(feeder, lane, machine))
            while not self._results.empty():
                if isinstance(late := self._results.get_nowait(), _Committed):
                    yield self._brought(late)
            raise
        finally:
            await self._end(feeder, lane, machine)

    async def _end(
        self, feeder: asyncio.Task[None], lane: LaneThread, machine: Sender | Receiver
    ) -> None:
        """Ends a lane; nothing happens if it has ended."""
        if self._lane is None:
            return
        feeder.cancel()
        await asyncio.gather(feeder, return_exceptions=True)
        lane.submit(machine.cancel)
        if not await self._world.offload(lane.join, GOODBYE):
            lane.stop()
            await self._world.offload(lane.join, GOODBYE)
        self.resumed = machine.resumed()
        self._machine = self._lane = None

    def _machinery(
        self,
        mode: Mode,
        near: Ends,
        sock: socket,
        link: Link,
        post: Callable[[FlowAnswer], None],
        run: str,
    ) -> tuple[Sender | Receiver, Callable[[int, Sequence[Offer]], None]]:
        """Makes the lane's end; also returns the call that gives it a batch."""

        def on_receipts(batch: int, receipts: list[Receipt]) -> None:
            at, had = machine.committed_at, machine.resumed()
            post(_Committed(batch, receipts, at, machine.report, had))

        def on_grant(bits: int | None) -> None:
            self.granted = bits

        steady = self._world.steady
        machine: Sender | Receiver
        if mode is Mode.UPLOAD:
            pace = pace_of(sock)
            pace.limit(self.granted, steady())
            machine = sender = Sender(
                link,
                near.source(),
                steady,
                client=True,
                pace=pace,
                on_receipts=on_receipts,
                on_grant=on_grant,
            )
            return sender, sender.offer
        machine = receiver = Receiver(
            link, near.sink(run), steady, client=True, on_receipts=on_receipts, on_grant=on_grant
        )
        return receiver, receiver.ask

    async def _feed(
        self,
        lane: LaneThread,
        machine: Sender | Receiver,
        hand_over: Callable[[int, Sequence[Offer]], None],
        first: Sequence[Task],
        rest: AsyncIterator[Sequence[Task]],
        where: tuple[str, str],
    ) -> None:
        """Gives batches to the lane when it has room for them."""
        number, tasks = 0, first
        try:
            while True:
                await self._room.acquire()
                self._open[number] = _Batch(tasks, self._world.steady())
                self._taken = ()
                given_up = _indexes(tasks, self._cancelled)
                offered = offers(tasks)
                if isinstance(machine, Receiver) and any(is_vast(one.size) for one in offered):
                    offered = [await self._sized(offer, where) for offer in offered]
                lane.submit(partial(_begin, machine, hand_over, number, offered, given_up))
                upcoming = await self._next(rest)
                if upcoming is None:
                    lane.submit(machine.finish)
                    return
                number, self._taken = number + 1, upcoming
                tasks = upcoming
        except Exception as error:
            self._results.put_nowait(_Over(error))

    async def _sized(self, offer: Offer, where: tuple[str, str]) -> Offer:
        """An offer of the server; of a very large file, with its holes: they need no room here."""
        if not is_vast(offer.size):
            return offer
        workspace, folder = where
        place, path = f"/workspaces/{segment(workspace)}/entry", paths.join(folder, offer.path)
        try:
            holes = await self._api.get(place, replies.holes, path=path)
        except ProblemError:
            return offer  # what is wrong with it is found out when it is asked for
        return offer._replace(holes=min(holes, offer.size))

    def _take_back(self) -> None:
        """The lane ended before it took these batches: another one moves them."""
        self._again = [batch.tasks for batch in self._open.values()]
        if self._taken:
            self._again.append(self._taken)
        self._taken = ()
        for _ in self._open:
            self._room.release()
        self._open.clear()

    def _give_up(self, number: int, tasks: Sequence[Task], paths: AbstractSet[str]) -> None:
        """Makes the lane give up the files at these paths in a batch that it already has."""
        if self._lane is None or self._machine is None or not paths:
            return
        for index in _indexes(tasks, paths):
            self._lane.submit(partial(self._machine.stop, number, index))

    def _brought(self, committed: _Committed) -> Brought:
        batch = self._open.pop(committed.batch)
        self._room.release()
        # Batches move one after the other: while the one before moved, this one waited.
        seconds = committed.at - max(batch.since, self._before.at)
        lost, rtt_ms, _ = committed.report
        moved = Moved(seconds, None if lost is None else max(0, lost - self._before.lost), rtt_ms)
        self._before = _Milestone(committed.at, lost or 0)
        return brought(batch.tasks, committed.receipts, moved, committed.had)


def _indexes(tasks: Sequence[Task], paths: AbstractSet[str]) -> list[int]:
    """The indices of the files at these paths in a batch."""
    if not paths:
        return []
    return [index for index, task in enumerate(tasks) if task.action.path in paths]


def _begin(
    machine: Sender | Receiver,
    hand_over: Callable[[int, Sequence[Offer]], None],
    number: int,
    offered: Sequence[Offer],
    given_up: Sequence[int],
) -> None:
    """Gives the lane a batch and cancels files of it.

    This is one call, because a small file could be sent before a second call.
    """
    hand_over(number, offered)
    for index in given_up:
        machine.stop(number, index)


def _is_idle(error: BaseException | None) -> bool:
    return isinstance(error, ProblemError) and error.problem.code is Code.IDLE


def _error(problem: Problem | None) -> ProblemError | None:
    return ProblemError(problem) if problem else None
