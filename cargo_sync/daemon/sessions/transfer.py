"""One get or put, from its order to its end: tried again after a cut, for a minute, then it
fails."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from cargo_sync.copying.progress import CopyProgress
from cargo_sync.copying.retries import CONNECTION_LOST
from cargo_sync.machines.meter import RateMeter
from cargo_sync.machines.retry import delay
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup

PATIENCE: Final = 60.0
"""Seconds without progress for which a cut way is tried again."""
FIRST: Final = 0.5
CEILING: Final = 8.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """What was ordered. `remote` is a path in the workspace (or a backup's id), `local` an absolute
    path."""

    verb: str
    remote: str
    local: str
    recursive: bool = False
    overwrite: bool = False


class State(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Work(Protocol):
    """What carries a transfer out. `progress` may be read while it goes on."""

    progress: CopyProgress

    async def attempt(self, speed: int | None) -> None:
        """All that is left of it, at `speed` bits a second. What is done stays done when this
        fails.

        Raises:
            ProblemError: with a code of CONNECTION_LOST, when another attempt goes on from there.
        """

    def arrived(self) -> tuple[int, str]:
        """Bytes that are done or on their way, and the path of the file under way."""

    async def ask(self, speed: int | None) -> None:
        """Another rate for what moves now. Raises ProblemError."""

    def behind(self) -> bool:
        """Whether what moves now may have another rate than it asked for last."""

    def granted(self) -> int | None:
        """The rate that what moves now may have; None for no limit, or when nothing moves."""

    async def close(self) -> None:
        """After the last attempt."""


class Transfer:
    """One transfer. `say` is called at its beginning and its end; `speed` gives what it may ask for
    now."""

    def __init__(
        self,
        id: str,
        order: CopyOrder,
        work: Work,
        world: World,
        speed: Callable[[], int | None],
        say: Callable[["Transfer"], None],
    ) -> None:
        self.id = id
        self.order = order
        self.state = State.RUNNING
        self.problem: Problem | None = None
        self.task: asyncio.Task[None] | None = None
        self._work = work
        self._world = world
        self._speed = speed
        self._say = say
        self._bytes = 0
        self._rate = 0.0
        self._meter = RateMeter()

    def __repr__(self) -> str:
        return f"<Transfer {self.id}: {self.order.verb} {self.order.remote!r}, {self.state}>"

    async def run(self) -> None:
        """To its end, whatever comes; only a cancellation leaves here as an exception."""
        state, problem = State.CANCELLED, None
        try:
            self._say(self)
            await self._attempts()
            problem = self._work.progress.verdict()
            state = State.FAILED if problem else State.DONE
        except ProblemError as error:
            state, problem = State.FAILED, error.problem
        except Exception as error:
            _log.error("a transfer failed in a way nobody foresaw", exc_info=error)
            words = f"something went wrong inside: {type(error).__name__}"
            state, problem = (
                State.FAILED,
                Problem(Code.INTERNAL, words, hint="see the daemon's log"),
            )
        finally:
            await self._end(state, problem)

    async def stop(self) -> None:
        """At its checkpoint; returns when it has come to rest."""
        if self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait({self.task})
        if self.state is State.RUNNING:  # it was cancelled before it began
            await self._end(State.CANCELLED, None)

    async def ask(self, speed: int | None) -> None:
        """Another rate, bits a second. A way that is cut just now asks for it at its next
        attempt."""
        try:
            await self._work.ask(speed)
        except ProblemError as error:
            _log.debug("another rate could not be asked for: %s", error)

    def behind(self) -> bool:
        return self._work.behind()

    def granted(self) -> int | None:
        return self._work.granted()

    def sample(self) -> None:
        """Reads how far it is; called about once a second."""
        progress = self._work.progress
        arrived, progress.path = self._work.arrived()
        self._bytes = max(self._bytes, min(arrived, progress.bytes_total), progress.bytes_done)
        self._rate = 8 * self._meter.rate(self._world.steady(), self._bytes)

    @property
    def progress(self) -> CopyProgress:
        return self._work.progress

    @property
    def rate(self) -> float:
        """Bits a second, when it was sampled last."""
        return self._rate

    @property
    def bytes_done(self) -> int:
        """Bytes that arrived. While it runs they count what stands in a batch that is not
        committed."""
        return self._bytes if self.state is State.RUNNING else self.progress.bytes_done

    async def _end(self, state: State, problem: Problem | None) -> None:
        try:
            await self._work.close()
        except ProblemError as error:
            problem = problem or error.problem
        finally:
            self.sample()
            self.state, self.problem, self._rate = state, problem, 0.0
            self._say(self)

    async def _attempts(self) -> None:
        tries, reached, since = 0, -1, self._world.steady()
        while True:
            try:
                await self._work.attempt(self._speed())
                return
            except ProblemError as error:
                if error.problem.code not in CONNECTION_LOST:
                    raise
                self.sample()
                now = self._world.steady()
                arrived = self._bytes + self._work.progress.files_done
                if arrived > reached:
                    tries, reached, since = 0, arrived, now
                tries += 1
                wait = delay(tries, self._world.chance(), FIRST, CEILING)
                if now + wait - since > PATIENCE:
                    raise
                _log.info(
                    "%s is tried again in %.1f s: %s", self.order.verb, wait, error.problem.message
                )
            await Wakeup().wait(wait)
