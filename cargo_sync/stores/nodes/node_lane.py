"""Contents move between the spool and one node, in one direction, over one lane.

The lane is opened when something is to move, and again after it has ended. A node ends one over
which nothing has moved for a minute.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from socket import socket
from typing import Final, NamedTuple

from cargo_sync.lanes.end import OnReceipts
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.threads import LaneThread, joined
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.model.world import World
from cargo_sync.stores.blob_changes import MODE
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Results, latest

BATCH: Final = 2_000
"""Contents that move together."""
GOODBYE: Final = 5.0
"""Seconds that a lane's thread has to end what it does on the disk."""
_DONE: Final = "done"
_INT64: Final = 1 << 63
_TRIES: Final = 3


class OpenedLane(NamedTuple):
    """A connection to a node's port for lanes.

    granted  bits per second, None: no limit
    packets  whether it takes packets of small contents
    shared   whether it takes contents that are sealed for several nodes
    epoch    of the node's folder, if receipts show its sequence
    """

    sock: socket
    link: Link
    granted: int | None
    packets: bool = False
    shared: bool = False
    epoch: str = ""


Machine = Callable[[OpenedLane, OnReceipts], Sender | Receiver]
"""Makes our end of a lane."""


class _MovingBatch(NamedTuple):
    contents: Sequence[Content]
    answer: "asyncio.Future[Sequence[Receipt]]"


Late = Callable[[Sequence[Content]], None]
"""Called with contents that have moved although nobody waits for the answer any more."""


class _RunningLane:
    """A lane, from its start to its end.

    packets  whether it takes packets of small contents
    epoch    of the node's folder; "": receipts do not show its sequence
    batches  those of which no receipts have come
    problem  why it has ended; None as long as it runs
    """

    def __init__(self, late: Late, opened: OpenedLane) -> None:
        self.late = late
        self.packets = opened.packets
        self.epoch = opened.epoch
        self.batches: dict[int, _MovingBatch] = {}
        self.problem: Problem | None = None
        self.thread: LaneThread | None = None
        self.begin: Callable[[int, Sequence[Offer]], None] | None = None

    def committed(self, batch: int, receipts: Sequence[Receipt]) -> None:
        contents, answer = self.batches.pop(batch)
        if answer.done():
            self.late(_moved(contents, receipts))
        else:
            answer.set_result(receipts)

    def over(self, problem: Problem) -> None:
        """It has ended, or is not listened to any more."""
        self.problem = self.problem or problem
        for _, answer in self.batches.values():
            if not answer.done():
                answer.set_exception(ProblemError(problem))


class NodeLane:
    """One direction of contents. All calls are made in the event loop."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], Awaitable[OpenedLane]],
        machine: Machine,
        late: Late,
        world: World,
    ) -> None:
        """Connects to nothing yet. `name` is that of the lane's thread."""
        self._name = name
        self._connect = connect
        self._machine = machine
        self._late = late
        self._world = world
        self._loop = asyncio.get_running_loop()
        self._opening = asyncio.Lock()
        self._numbers = count()
        self._times_stopped = 0
        self._running: _RunningLane | None = None

    async def move(
        self, contents: Sequence[Content], offers: Sequence[Offer] | None = None
    ) -> Results:
        """Moves contents; one fails alone. They are durable where they came to.

        `offers` say how they are offered, if it is not as usual.

        Raises:
            ProblemError: the lane cannot be opened, or ended: it is not known what has moved.
        """
        receipts: list[Receipt] = []
        lives: list[Life | None] = []
        try:
            for start in range(0, len(contents), BATCH):
                some = contents[start : start + BATCH]
                asked = offers_of(some) if offers is None else offers[start : start + BATCH]
                came, epoch = await self._receipts(some, asked)
                receipts += came
                lives.append(life_of(epoch, came))
        except BaseException:
            self._late(_moved(contents, receipts))
            raise
        return Results(list(map(_problem, receipts)), latest(lives))

    async def takes_packets(self) -> bool:
        """Whether packets may move, now: another process may be at the other end later.

        Raises:
            ProblemError: the lane cannot be opened.
        """
        return (await self._lane(self._times_stopped)).packets

    async def stop(self) -> None:
        """Ends the lane: nothing that moves over it is answered any more."""
        self._times_stopped += 1
        running, self._running = self._running, None
        if running is None:
            return
        running.over(self._ended())
        if running.thread is not None:
            running.thread.stop()
            await joined([running.thread], GOODBYE, self._world)

    async def _receipts(
        self, contents: Sequence[Content], offers: Sequence[Offer]
    ) -> tuple[Sequence[Receipt], str]:
        """What became of contents, and the epoch of the lane over which they went."""
        times = self._times_stopped
        for again in reversed(range(_TRIES)):
            try:
                return await self._batch(contents, offers, times)
            except ProblemError as error:
                # The node ended the lane because nothing moved, and just then this came.
                if error.problem.code != Code.IDLE or not again:
                    raise
        raise AssertionError("the last try raises")

    async def _batch(
        self, contents: Sequence[Content], offers: Sequence[Offer], times: int
    ) -> tuple[Sequence[Receipt], str]:
        running = await self._lane(times)
        if running.problem is not None:
            raise ProblemError(running.problem)
        assert running.thread is not None and running.begin is not None, "it was started"
        number = next(self._numbers)
        answer: asyncio.Future[Sequence[Receipt]] = self._loop.create_future()
        running.batches[number] = _MovingBatch(contents, answer)
        running.thread.submit(partial(running.begin, number, offers))
        try:
            return await answer, running.epoch
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._late(_moved(contents, answer.result()))
            raise

    async def _lane(self, times: int) -> _RunningLane:
        """The lane that runs, or a new one. Raises ProblemError: it was stopped since `times`."""
        async with self._opening:
            if times != self._times_stopped:
                raise ProblemError(self._ended())
            if self._running is not None and self._running.problem is None:
                return self._running
            opened = await self._connect()
            if times != self._times_stopped:
                opened.link.close()
                raise ProblemError(self._ended())
            self._running = self._started(opened)
            return self._running

    def _started(self, opened: OpenedLane) -> _RunningLane:
        running = _RunningLane(self._late, opened)
        machine = self._machine(opened, partial(self._post, running.committed))
        running.begin = machine.offer if isinstance(machine, Sender) else machine.ask
        running.thread = LaneThread(
            machine,
            opened.sock,
            self._name,
            lambda why: self._post(running.over, why or self._ended()),
        )
        running.thread.start()
        return running

    def _post(self, call: Callable[..., None], *args: object) -> None:
        """Makes a call in the event loop; from the lane's thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(call, *args)

    def _ended(self) -> Problem:
        return Problem(Code.CUT, f"{self._name} ended", hint="it is tried again")


def offers_of(contents: Sequence[Content]) -> list[Offer]:
    """How contents are offered to a node, or asked for.

    The id of a transfer follows from the hash: what has come of a large content before a cut is not
    sent again, whichever node it came from.
    """
    rest = 0, MODE, 1, 1  # made at once as `for_blobs` would: contents are many
    return [Offer(hash, size, *rest, hash[:32], 0, 0, hash) for hash, size in contents]


def _moved(contents: Sequence[Content], receipts: Sequence[Receipt]) -> list[Content]:
    """Those that have moved; there may be fewer receipts."""
    pairs = zip(contents, receipts, strict=False)
    return [one for one, receipt in pairs if receipt.code == _DONE]


def life_of(epoch: str, receipts: Sequence[Receipt]) -> Life | None:
    """What the folder is that has what moved; None if that is not shown."""
    shown = [one.version for one in receipts if one.code == _DONE]
    if not epoch or not shown or min(shown) <= 0 or max(shown) >= _INT64:
        return None
    return Life(epoch, max(shown))


def _problem(receipt: Receipt) -> Problem | None:
    if receipt.code == _DONE:
        return None
    return Problem.received(receipt.code, receipt.message, retry=receipt.retry)
