"""The files that one transfer moves: how far each is, which were cancelled, and why one failed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from cargo_sync.lanes.figures import Figures, Moving
from cargo_sync.machines.meter import RateMeter
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.process.tasks import finished
from cargo_sync.trees.remote.contract import Pace
from cargo_sync.trees.remote.staging import of_file
from cargo_sync.trees.remote.together import is_whole
from cargo_sync.trees.remote.transfer.limits import TransferLimits

UNMEASURED: Final = 256 << 10
"""Bytes per second that a transfer is expected to move before anything was measured."""

GRACE: Final = 2.0
"""Seconds that what others see has to end when all is stopped; see `flow.RIGHT`."""

Work = Coroutine[Any, Any, Receipt]


class MovingFiles:
    """What moves now in one direction.

    resumed  transfer id -> bytes that the destination had of a file before
    """

    def __init__(self, limits: TransferLimits, steady: Callable[[], float]) -> None:
        self._limits = limits
        self._steady = steady
        self._meter = RateMeter()
        self._content = 0
        self._had = 0
        self._files: dict[str, Moving] = {}
        self._cancelled: set[str] = set()
        self._running: dict[str, asyncio.Task[Receipt]] = {}
        self.resumed: dict[str, int] = {}

    # -- one file ----------------------------------------------------------------------------------

    async def alone(self, offer: Offer, work: Work) -> Receipt:
        """Moves one file by `work`: it fails alone, also because it was cancelled.

        Raises:
            ProblemError: what failed concerns the server as a whole.
        """
        if offer.path in self._cancelled:
            work.close()
            return refusal(cancelled(offer.path))
        moved: list[Receipt] = []

        async def noted() -> Receipt:
            moved.append(await work)
            return moved[0]

        task = self._running[offer.path] = asyncio.ensure_future(noted())
        self._files[offer.transfer] = Moving(offer.path, 0, offer.size, offer.transfer)
        try:
            return await task
        except asyncio.CancelledError:
            if moved:
                return moved[0]  # too late: what has moved counts, also when all is stopped
            mine = asyncio.current_task()
            if offer.path not in self._cancelled or (mine is not None and mine.cancelling()):
                raise
            return refusal(cancelled(offer.path))
        except ProblemError as error:
            if is_whole(error):
                raise
            return refusal(of_file(error.problem, offer.path))
        finally:
            work.close()  # it may not have begun
            self._running.pop(offer.path, None)
            self._files.pop(offer.transfer, None)

    async def to_its_end(self, offer: Offer, work: Callable[[], Work]) -> Receipt:
        """Does what others see at the server; when all is stopped, it has `GRACE` to end.

        A call that is cut off may have been done, or not: nobody could say who has done it.
        """
        return await finished(work(), lambda: 0.0 if self.is_cancelled(offer.path) else GRACE)

    def pace(self, offer: Offer) -> Pace:
        """Paces the content of a file, and counts it."""

        async def wait(count: int) -> None:
            await self._limits.pace(count)
            self._content += count
            self._advance(offer, count)

        return wait

    @property
    def is_limited(self) -> bool:
        """Whether a speed is to be kept."""
        return self._limits.speed is not None

    def had(self, offer: Offer, count: int) -> None:
        """The destination had so many bytes more of a file before."""
        if count:
            self._had += count
            self.resumed[offer.transfer] = self.resumed.get(offer.transfer, 0) + count
            self._advance(offer, count)

    def _advance(self, offer: Offer, count: int) -> None:
        if (file := self._files.get(offer.transfer)) is not None:
            done = min(file.size, file.done + count)  # what is sent again counts once
            self._files[offer.transfer] = file._replace(done=done)

    def is_cancelled(self, path: str) -> bool:
        """Whether a person has cancelled the file at a path."""
        return path in self._cancelled

    def cancel(self, path: str) -> None:
        """Like FarTree.cancel."""
        self._cancelled.add(path)
        if (task := self._running.get(path)) is not None:
            task.cancel()

    # -- all of them -------------------------------------------------------------------------------

    def now(self) -> float:
        """Steady seconds."""
        return self._steady()

    def figures(self) -> Figures:
        """What the transfer has moved until now, and what it moves."""
        files = tuple(self._files.values())
        return Figures(self._content, self._had, self._content, files)

    def rate(self) -> int:
        """Like FarTree.rate."""
        measured = 0
        if self._files:
            measured = int(self._meter.rate(self._steady(), self._content))
        else:
            self._meter = RateMeter()  # while nothing moves there is nothing to measure
        speed = self._limits.speed
        rate = measured or UNMEASURED
        return rate if speed is None else min(rate, max(1, speed // 8))


def cancelled(path: str) -> Problem:
    """A person has cancelled a file."""
    return Problem(Code.CANCELLED, "the transfer was cancelled", path, retry=False)


def refusal(problem: Problem) -> Receipt:
    """The receipt of a file that was not moved."""
    return Receipt(problem.code_text, message=str(problem), retry=problem.retry)
