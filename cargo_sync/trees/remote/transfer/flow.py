"""One transfer between a remote and the near side: batches overlap, results come as they end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Protocol

from cargo_sync.model.transfers import Receipt
from cargo_sync.process.tasks import uninterrupted
from cargo_sync.process.wakeup import next_turn
from cargo_sync.trees.contract import Brought, Moved, Task
from cargo_sync.trees.offers import brought
from cargo_sync.trees.remote.transfer.files import MovingFiles
from cargo_sync.trees.remote.transfer.limits import TransferLimits

BATCHES: Final = 4
"""How many batches are under way at once."""
GRACE: Final = 1.0
"""Seconds that a transfer which is stopped has for what is under way: a call that is cut off may
have been done, or not."""
RIGHT: Final = 3.0
"""Seconds that what was cut off has to end what others see (`files.GRACE`), to ask whether it was
done, to put things right at its server, and to leave it. After that and `GRACE` there must be time
to record what became of it: a process that stops ends after `process.stopping.REST`."""


class BatchCarrier(Protocol):
    """Moves batches, several at the same time, in one direction."""

    async def carry(self, tasks: Sequence[Task], receipts: dict[int, Receipt]) -> None:
        """Moves one batch; `receipts` gets that of each file, by its number, when it has moved.

        Raises:
            ProblemError: the server cannot be reached any more, or nothing can be recorded.
        """

    async def close(self) -> None:
        """The transfer has ended: what is not complete is left for another try."""


class RemoteFlow:
    """A transfer, from its first batch to its end; `run` is called once.

    files  what moves now
    """

    def __init__(self, carrier: BatchCarrier, files: MovingFiles, limits: TransferLimits) -> None:
        self._carrier = carrier
        self._limits = limits
        self._open: dict[int, Sequence[Task]] = {}
        self._room = asyncio.Semaphore(BATCHES)
        self._results: asyncio.Queue[_Ended | BaseException | None] = asyncio.Queue()
        self.files = files

    def open_tasks(self) -> list[Task]:
        """Like FarTree.open_tasks."""
        return [task for tasks in self._open.values() for task in tasks]

    async def run(self, batches: AsyncIterator[Sequence[Task]]) -> AsyncGenerator[Brought, None]:
        """Like FarTree.transfer.

        What has moved before the transfer is stopped, or fails, is told first: if it were not
        recorded, the next look could not know whose it is.
        """
        carrying: set[asyncio.Task[None]] = set()
        feeder = asyncio.create_task(self._feed(batches, carrying))
        try:
            while (result := await self._results.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield self._taken(result)
                await next_turn()  # here comes a stop that came while that was recorded
        except (asyncio.CancelledError, Exception) as error:
            feeder.cancel()
            stopped = isinstance(error, asyncio.CancelledError)
            if stopped and carrying:
                with suppress(asyncio.CancelledError):  # a second stop ends the grace
                    await asyncio.wait(carrying, timeout=GRACE)
            stopped |= await uninterrupted(_end(feeder, *carrying))
            for left in self._left():
                yield left
            if stopped:
                raise asyncio.CancelledError from error
            raise
        finally:
            stopped = await uninterrupted(_end(feeder, *carrying))
            self._open.clear()
            await self._carrier.close()
            if stopped:
                raise asyncio.CancelledError

    def _taken(self, ended: "_Ended") -> Brought:
        if ended.left:
            self._open[ended.number] = ended.left
        else:
            del self._open[ended.number]
            self._room.release()
        return ended.brought

    def _left(self) -> Iterator[Brought]:
        """What has ended, and was not told yet."""
        while not self._results.empty():
            result = self._results.get_nowait()
            if isinstance(result, _Ended):
                yield self._taken(result)

    async def _feed(
        self, batches: AsyncIterator[Sequence[Task]], carrying: set[asyncio.Task[None]]
    ) -> None:
        """Begins batches as there is room for them."""
        number = 0
        try:
            await self._room.acquire()
            while (tasks := await anext(batches, None)) is not None:
                self._open[number] = tasks
                task = asyncio.create_task(self._carry(number, tasks))
                carrying.add(task)
                task.add_done_callback(carrying.discard)
                number += 1
                await self._room.acquire()
            if carrying:  # to be cancelled with a gather, they would have no grace
                await asyncio.wait(carrying)
            self._results.put_nowait(None)
        except Exception as error:
            self._results.put_nowait(error)

    async def _carry(self, number: int, tasks: Sequence[Task]) -> None:
        receipts: dict[int, Receipt] = {}
        began = self.files.now()
        failure: BaseException | None = None
        try:
            async with self._limits.moving():
                await self._carrier.carry(tasks, receipts)
        except BaseException as error:
            failure = error
        if receipts or failure is None:
            self._results.put_nowait(self._ended(number, tasks, receipts, began))
        if isinstance(failure, Exception):
            self._results.put_nowait(failure)
        elif failure is not None:
            raise failure

    def _ended(
        self, number: int, tasks: Sequence[Task], receipts: Mapping[int, Receipt], began: float
    ) -> "_Ended":
        moved, had = Moved(self.files.now() - began), dict(self.files.resumed)
        if len(receipts) == len(tasks):
            told = [receipts[at] for at in range(len(tasks))]
            return _Ended(number, brought(tasks, told, moved, had))
        ended = sorted(receipts)
        some, told = [tasks[at] for at in ended], [receipts[at] for at in ended]
        left = [task for at, task in enumerate(tasks) if at not in receipts]
        return _Ended(number, brought(some, told, moved, had), left)


class _Ended(NamedTuple):
    """What became of a batch, and what of it was `left`."""

    number: int
    brought: Brought
    left: Sequence[Task] = ()


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        if not task.cancelling():
            task.cancel()
    await asyncio.wait(tasks, timeout=RIGHT)
    for task in tasks:
        task.cancel()  # its server does not answer, or a disk hangs
    await asyncio.gather(*tasks, return_exceptions=True)
