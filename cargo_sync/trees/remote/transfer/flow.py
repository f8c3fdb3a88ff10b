"""One transfer between a remote and the near side: batches overlap, results come as they end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final, Protocol

from cargo_sync.trees.contract import Brought, Task
from cargo_sync.trees.remote.transfer.files import MovingFiles
from cargo_sync.trees.remote.transfer.limits import TransferLimits

BATCHES: Final = 4
"""How many batches are under way at once."""


class BatchCarrier(Protocol):
    """Moves batches, several at the same time, in one direction."""

    async def carry(self, tasks: Sequence[Task]) -> Brought:
        """Moves one batch.

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
        self._results: asyncio.Queue[tuple[int, Brought] | BaseException | None] = asyncio.Queue()
        self.files = files

    def open_tasks(self) -> list[Task]:
        """Like FarTree.open_tasks."""
        return [task for tasks in self._open.values() for task in tasks]

    async def run(self, batches: AsyncIterator[Sequence[Task]]) -> AsyncGenerator[Brought, None]:
        """Like FarTree.transfer."""
        carrying: set[asyncio.Task[None]] = set()
        feeder = asyncio.create_task(self._feed(batches, carrying))
        try:
            while (result := await self._results.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                number, brought = result
                del self._open[number]
                self._room.release()
                yield brought
        finally:
            for task in (feeder, *carrying):
                task.cancel()
            await asyncio.gather(feeder, *carrying, return_exceptions=True)
            self._open.clear()
            await self._carrier.close()

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
            await asyncio.gather(*carrying, return_exceptions=True)
            self._results.put_nowait(None)
        except Exception as error:
            self._results.put_nowait(error)

    async def _carry(self, number: int, tasks: Sequence[Task]) -> None:
        try:
            async with self._limits.moving():
                brought = await self._carrier.carry(tasks)
            self._results.put_nowait((number, brought))
        except Exception as error:
            self._results.put_nowait(error)
