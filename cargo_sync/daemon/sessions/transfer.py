"""One get or put from beginning to end; after a cut it is tried again for a minute."""

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
"""Seconds without progress after which a get or put with a cut connection fails."""
FIRST: Final = 0.5
"""Seconds before the first retry, on average."""
CEILING: Final = 8.0
"""Seconds between two tries at most."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """One get, put or copy.

    verb     get, put or copy
    remote   a path in the workspace, or the id of a backup's file
    local    an absolute path; of a copy, the path at its source
    session  of a copy: the session whose server has the source
    origin   of a copy: the address of the source, for people
    """

    verb: str
    remote: str
    local: str
    recursive: bool = False
    overwrite: bool = False
    session: str = ""
    origin: str = ""


class State(StrEnum):
    """The state of one get or put."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Work(Protocol):
    """The work of a transfer. `progress` may be read at any time."""

    progress: CopyProgress

    async def attempt(self, speed: int | None) -> None:
        """Does all that is left, at `speed` bits per second (None: no limit).

        Raises:
            ProblemError: with a code of CONNECTION_LOST if another attempt may continue. What is
                done stays done.
        """

    def arrived(self) -> tuple[int, str]:
        """Bytes that are done or transferred, and the path of the current file."""

    async def ask(self, speed: int | None) -> int | None:
        """Asks the server for another speed.

        Returns:
            What it grants now, bits per second; None for no limit, or if nothing moves.

        Raises:
            ProblemError: it could not be asked.
        """

    def behind(self) -> bool:
        """Whether another speed holds now than it last asked for."""

    def granted(self) -> int | None:
        """The granted speed, bits per second; None for no limit, or if nothing moves."""

    async def close(self) -> None:
        """Called once, after the last attempt."""


class Transfer:
    """One get or put.

    retrying  why the last attempt was cut, while the next one has moved nothing yet
    speed    gives the speed to ask for now, bits per second; None is no limit
    publish  called at the beginning and the end
    """

    def __init__(
        self,
        id: str,
        order: CopyOrder,
        work: Work,
        world: World,
        speed: Callable[[], int | None],
        publish: Callable[["Transfer"], None],
    ) -> None:
        self.id = id
        self.order = order
        self.state = State.RUNNING
        self.problem: Problem | None = None
        self.task: asyncio.Task[None] | None = None
        self._work = work
        self._world = world
        self._speed = speed
        self._publish = publish
        self.retrying: Problem | None = None
        self._bytes = 0
        self._moved_at = world.steady()
        self._rate = 0.0
        self._meter = RateMeter()

    def __repr__(self) -> str:
        return f"<Transfer {self.id}: {self.order.verb} {self.order.remote!r}, {self.state}>"

    async def run(self) -> None:
        """Runs until the end. Raises only CancelledError; other failures set `problem`."""
        state, problem = State.CANCELLED, None
        try:
            self._publish(self)
            await self._attempts()
            problem = self._work.progress.verdict()
            state = State.FAILED if problem else State.DONE
        except ProblemError as error:
            state, problem = State.FAILED, error.problem
        except Exception as error:
            _log.error("a transfer failed unexpectedly", exc_info=error)
            message = f"internal error: {type(error).__name__}"
            state = State.FAILED
            problem = Problem(Code.INTERNAL, message, hint="see the daemon's log")
        finally:
            await self._end(state, problem)

    async def stop(self) -> None:
        """Stops it at a checkpoint; returns after its end."""
        if self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait({self.task})
        if self.state is State.RUNNING:  # `run` was cancelled before it began
            await self._end(State.CANCELLED, None)

    async def ask(self, speed: int | None) -> int | None:
        """Asks the server for another speed, bits per second; returns what it grants now.

        If the connection is cut now, the next attempt asks for it.
        """
        try:
            return await self._work.ask(speed)
        except ProblemError as error:
            _log.debug("the server could not be asked for another speed: %s", error)
            return None

    def behind(self) -> bool:
        return self._work.behind()

    def granted(self) -> int | None:
        return self._work.granted()

    def sample(self) -> None:
        """Reads the progress; called about once per second."""
        progress = self._work.progress
        arrived, progress.path = self._work.arrived()
        before = self._bytes
        self._bytes = max(self._bytes, min(arrived, progress.bytes_total), progress.bytes_done)
        if self._bytes > before:
            self._moved_at, self.retrying = self._world.steady(), None
        moved = self._bytes - progress.resumed
        self._rate = 8 * self._meter.rate(self._world.steady(), moved)

    @property
    def progress(self) -> CopyProgress:
        return self._work.progress

    @property
    def rate(self) -> float:
        """Bits per second, as of the last sample."""
        return self._rate

    @property
    def idle(self) -> float:
        """Seconds since something arrived, as of the last sample; 0 if it does not run."""
        return self._world.steady() - self._moved_at if self.state is State.RUNNING else 0.0

    @property
    def bytes_done(self) -> int:
        """Bytes that arrived; while it runs, also those in a batch that is not committed yet."""
        return self._bytes if self.state is State.RUNNING else self.progress.bytes_done

    async def _end(self, state: State, problem: Problem | None) -> None:
        try:
            await self._work.close()
        except ProblemError as error:
            problem = problem or error.problem
        finally:
            self.sample()
            self.state, self.problem, self._rate = state, problem, 0.0
            self._publish(self)

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
                tries, self.retrying = tries + 1, error.problem
                wait = delay(tries, self._world.chance(), FIRST, CEILING)
                if now + wait - since > PATIENCE:
                    raise
                _log.info(
                    "%s is tried again in %.1f s: %s", self.order.verb, wait, error.problem.message
                )
            await Wakeup().wait(wait)
