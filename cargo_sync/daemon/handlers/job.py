"""`job.…`: list, show, start, pause, reload, sync, approve, speed; others are in other files."""

import asyncio
from collections.abc import Sequence
from typing import Any

from cargo_sync.api import job_commands
from cargo_sync.api.arguments import Args
from cargo_sync.api.job_commands import JobSpeedArgs, OneJob, OneOrAllJobs
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.daemon.handlers.refusals import enabled, ready
from cargo_sync.daemon.job.limits import SPEED
from cargo_sync.daemon.jobs.registry import Job, Jobs
from cargo_sync.daemon.reporting import views


class JobHandlers:
    """Shows jobs and executes commands for them."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(job_commands.LIST, self.list),
            Route(job_commands.SHOW, self.show),
            Route(job_commands.START, self.start),
            Route(job_commands.PAUSE, self.pause),
            Route(job_commands.RELOAD, self.reload),
            Route(job_commands.SYNC, self.sync),
            Route(job_commands.APPROVE, self.approve),
            Route(job_commands.SPEED, self.speed),
        )

    async def list(self, _: Args) -> JsonObject:
        rows = {name: views.row(job.sampler.status()) for name, job in self._jobs.all.items()}
        rows |= {name: views.unusable(job) for name, job in self._jobs.unusable.items()}
        return {"jobs": [rows[name] for name in sorted(rows)]}

    async def show(self, args: OneJob) -> JsonObject:
        if (unusable := self._jobs.unusable.get(args.job)) is not None:
            return views.whole_unusable(unusable)
        job = self._jobs.get(args.job)
        return views.whole(job.sampler.status(), job.supervisor.outcomes.causes())

    async def start(self, args: OneOrAllJobs) -> JsonObject:
        jobs = self._jobs.chosen(args.job)
        if args.job is not None:
            enabled(jobs[0].supervisor)
        for job in jobs:
            await job.supervisor.start()
        return _states(jobs)

    async def pause(self, args: OneOrAllJobs) -> JsonObject:
        jobs = self._jobs.chosen(args.job)
        if args.job is not None:
            enabled(jobs[0].supervisor)
        await asyncio.gather(*(job.supervisor.pause() for job in jobs))
        return _states(jobs)

    async def reload(self, args: OneOrAllJobs) -> JsonObject:
        if args.job is not None:
            name = await self._jobs.read_one(args.job)
            return _states([self._jobs.get(name)])
        _, errors = await self._jobs.read()
        if errors:
            raise ControlError(
                ReplyCode.BAD_CONFIG,
                "; ".join(str(problem) for error in errors for problem in error.problems),
                "a job whose file cannot be used keeps its old settings",
            )
        return _states(list(self._jobs.all.values()))

    async def sync(self, args: OneJob) -> JsonObject:
        job = self._jobs.get(args.job).supervisor
        ready(job)
        return {"run": job.sync()}

    async def approve(self, args: OneJob) -> JsonObject:
        job = self._jobs.get(args.job).supervisor
        ready(job)
        if not job.outcomes.approvable and not job.outcomes.damaged:
            hint = "it continues by itself when disk space is free" if job.outcomes.held else ""
            raise ControlError(
                ReplyCode.NOT_HELD, f'the job "{job.name}" does not wait for approval', hint
            )
        return {"run": job.sync(approved=True)}

    async def speed(self, args: JobSpeedArgs) -> JsonObject:
        job = self._jobs.get(args.job)
        await job.supervisor.bounds.limits.order("job.speed", {SPEED: args.speed})
        return {"job": job.supervisor.name, "speed": views.speed(job.sampler.status())}


def _states(jobs: list[Job]) -> JsonObject:
    return {
        "jobs": [
            {"name": job.supervisor.name, "state": job.supervisor.state.value}
            for job in sorted(jobs, key=lambda job: job.supervisor.name)
        ]
    }
