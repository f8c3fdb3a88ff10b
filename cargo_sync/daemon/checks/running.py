"""The checks that run now or ended lately, by id; each runs in its own task."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.checks.steps import CheckCase, CheckStep, run_check
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.tasks import contained

KEPT: Final = 3600.0
"""Seconds after its start for which a check is kept."""
MOST: Final = 100
"""Checks that are kept."""

_log = logging.getLogger(__name__)

PrepareCheck = Callable[[JobSettings], Awaitable[CheckCase]]
"""Makes what the check of a job needs. Raises ProblemError if the state cannot be read."""


class RunningCheck:
    """One check. `ready` is True after its last step."""

    def __init__(self, job: str, began: float) -> None:
        self.job = job
        self.began = began
        self.steps: list[CheckStep] = []
        self.ready = False


class Checks:
    """All checks of a daemon. `group` owns their tasks."""

    def __init__(self, prepare: PrepareCheck, world: World, group: asyncio.TaskGroup) -> None:
        self._prepare = prepare
        self._world = world
        self._group = group
        self._checks: dict[str, RunningCheck] = {}

    def begin(self, job: JobSettings) -> str:
        """Returns the id of this job's running check; begins one if none runs."""
        self._forget_old()
        for id, check in self._checks.items():
            if check.job == job.name and not check.ready:
                return id
        id = self._world.token()
        check = self._checks[id] = RunningCheck(job.name, self._world.steady())
        self._group.create_task(contained(self._run(check, job), "a check", job=job.name))
        return id

    def get(self, id: str) -> RunningCheck | None:
        """Returns the check, or None if it is unknown or older than an hour."""
        self._forget_old()
        return self._checks.get(id)

    async def _run(self, check: RunningCheck, job: JobSettings) -> None:
        try:
            case = await self._prepare(job)
            try:
                async for step in run_check(case):
                    check.steps.append(step)
            finally:
                await case.far.close()
        except ProblemError as error:  # the state cannot be read
            check.steps.append(CheckStep("state", False, error.problem.message, error.problem.hint))
        except Exception as error:  # a bug of ours: it ends this check, not the daemon
            _log.error("a check failed unexpectedly", exc_info=error, extra={"job": job.name})
            message = f"internal error: {type(error).__name__}"
            check.steps.append(CheckStep("check", False, message, "see the log"))
        finally:
            check.ready = True

    def _forget_old(self) -> None:
        horizon = self._world.steady() - KEPT
        for id in [id for id, check in self._checks.items() if check.began < horizon]:
            del self._checks[id]
        while len(self._checks) > MOST:
            del self._checks[next(iter(self._checks))]
