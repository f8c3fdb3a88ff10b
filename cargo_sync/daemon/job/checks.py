"""Trials under way and lately ended, each in a task of its own, to be asked for by id."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.job.check_steps import CheckCase, CheckStep, trial
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World

KEPT: Final = 3600.0
MOST: Final = 100

PrepareCheck = Callable[[JobSettings], Awaitable[CheckCase]]
"""What a trial of a job needs."""


class RunningCheck:
    """One trial; `ready` once its last step has been made."""

    def __init__(self, job: str, began: float) -> None:
        self.job = job
        self.began = began
        self.steps: list[CheckStep] = []
        self.ready = False


class Checks:
    """All of a daemon's. `group` owns their tasks."""

    def __init__(self, prepare: PrepareCheck, world: World, group: asyncio.TaskGroup) -> None:
        self._prepare = prepare
        self._world = world
        self._group = group
        self._trials: dict[str, RunningCheck] = {}

    def begin(self, job: JobSettings) -> str:
        """Begins one, or joins the one of this job that is under way; its id."""
        self._forget_old()
        for id, one in self._trials.items():
            if one.job == job.name and not one.ready:
                return id
        id = self._world.token()
        one = self._trials[id] = RunningCheck(job.name, self._world.steady())
        self._group.create_task(self._run(one, job), name=f"trial of {job.name}")
        return id

    def get(self, id: str) -> RunningCheck | None:
        """None when there is none, or it is older than an hour."""
        self._forget_old()
        return self._trials.get(id)

    async def _run(self, one: RunningCheck, job: JobSettings) -> None:
        try:
            case = await self._prepare(job)
            try:
                async for step in trial(case):
                    one.steps.append(step)
            finally:
                await case.api.close()
        except ProblemError as error:  # of the state
            one.steps.append(CheckStep("state", False, error.problem.message, error.problem.hint))
        finally:
            one.ready = True

    def _forget_old(self) -> None:
        horizon = self._world.steady() - KEPT
        for id in [id for id, one in self._trials.items() if one.began < horizon]:
            del self._trials[id]
        while len(self._trials) > MOST:
            del self._trials[next(iter(self._trials))]
