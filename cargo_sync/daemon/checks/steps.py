"""The check of one job: its connection to the server and its folders, step by step, without a run.

A check leaves nothing behind on either side. It does not touch a run of the job, but it may share
the connection with it for some seconds. The kind of the far side says which steps there are.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final, NamedTuple, Protocol

from cargo_sync.config.job import JobSettings
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World

PATIENCE: Final = 20.0
"""Seconds that one step may take."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of a check. The hint of a step that succeeded is a warning."""

    name: str
    ok: bool
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CheckCase:
    """What a check needs.

    far    the check of its far side, which is closed with it
    space  what is reserved on the disks
    speed  bits per second that the job asks for; None is no limit
    bound  the name of the local side when the base was last agreed; None before first contact
    zone   the time zone of the job's hours
    rules  the version of the zone's rules
    delivers  the base has files
    """

    settings: JobSettings
    far: "FarCheck"
    world: World
    space: SpaceLedger
    speed: int | None
    bound: str | None
    zone: tzinfo
    rules: str
    delivers: bool = False

    @property
    def mode(self) -> Mode:
        return Mode(self.settings.mode)

    @property
    def retires(self) -> bool:
        """Delivered files are removed from their source."""
        return self.settings.after_transfer != "keep"


Passed = tuple[str, str]
"""Message and hint of a step that succeeded."""


class CheckWork(NamedTuple):
    """A step to make: it raises ProblemError if it fails.

    needs  the step that must have succeeded before, or ""
    """

    name: str
    needs: str
    make: Callable[[CheckCase], Awaitable[Passed]]


class FarCheck(Protocol):
    """What is checked of a job with one kind of server."""

    @property
    def steps(self) -> Sequence[CheckWork]:
        """All steps in their order, also those of the local side."""

    async def close(self) -> None:
        """Closes what the steps have opened."""


async def run_check(case: CheckCase) -> AsyncGenerator[CheckStep, None]:
    """Yields the steps as they end. A step is left out if the step that it needs failed."""
    good: set[str] = set()
    for work in case.far.steps:
        if work.needs in good or not work.needs:
            step = await make_step(work, case)
            if step.ok:
                good.add(work.name)
            yield step


async def make_step(work: CheckWork, case: CheckCase) -> CheckStep:
    """Makes one step, however it ends."""
    name = work.name
    try:
        async with asyncio.timeout(PATIENCE):
            return CheckStep(name, True, *await work.make(case))
    except ProblemError as error:
        return CheckStep(name, False, error.problem.message, error.problem.hint)
    except TimeoutError:
        return CheckStep(name, False, f"no result within {PATIENCE:g} s")
    except Exception as error:
        _log.error("a check failed unexpectedly", exc_info=error, extra={"job": case.settings.name})
        return CheckStep(name, False, f"internal error: {type(error).__name__}", "see the log")
