"""`job.…`: list, show, start, pause, reload, sync, approve, reject, speed."""

import asyncio
from collections.abc import Sequence
from typing import Any

from cargo_sync.api import job_commands
from cargo_sync.api.arguments import Args
from cargo_sync.api.job_commands import JobHoldArgs, JobSpeedArgs, OneJob, OneOrAllJobs
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.daemon.handlers.refusals import enabled, ready
from cargo_sync.daemon.job.limits import SPEED
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.daemon.jobs.registry import Job, Jobs
from cargo_sync.daemon.reporting import views
from cargo_sync.model.problems import FENCES
from cargo_sync.state.holds import Ruling


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
            Route(job_commands.REJECT, self.reject),
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
        supervisor = job.supervisor
        status, causes = job.sampler.status(), supervisor.outcomes.causes()
        return views.whole(status, causes, supervisor.sides.lacks())

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
        await job.take_up()
        return {"run": job.sync()}

    async def approve(self, args: JobHoldArgs) -> JsonObject:
        job = self._jobs.get(args.job).supervisor
        ready(job)
        seen = job.outcomes.approvals if args.held is None else frozenset()
        decided = await job.decide(args.held, Ruling.APPROVED)
        if not decided and not seen:
            raise _not_held(job, args.held)
        return {"run": job.sync(approved=seen), "held": decided}

    async def reject(self, args: JobHoldArgs) -> JsonObject:
        job = self._jobs.get(args.job).supervisor
        ready(job)
        decided = await job.decide(args.held, Ruling.REJECTED)
        if not decided and not FENCES.isdisjoint(job.outcomes.approvals):
            raise ControlError(
                ReplyCode.NOT_HELD,
                f'the job "{job.name}" holds no steps: it moves nothing at all',
                "`job approve` lets it go on; `job pause` keeps it as it is",
            )
        if not decided:
            raise _not_held(job, args.held)
        return {"run": job.sync(), "held": decided}

    async def speed(self, args: JobSpeedArgs) -> JsonObject:
        job = self._jobs.get(args.job)
        await job.supervisor.bounds.limits.order("job.speed", {SPEED: args.speed})
        return {"job": job.supervisor.name, "speed": views.speed(job.sampler.status())}


def _not_held(job: Supervisor, held: str | None) -> ControlError:
    """Nothing like this is held."""
    name, outcomes = job.name, job.outcomes
    if held is not None and outcomes.approvable:
        return ControlError(
            ReplyCode.NOT_HELD,
            f'the job "{name}" does not hold {held!r} any more',
            "what it holds has changed: look at `job show` and `job plan`",
        )
    full = outcomes.held and not outcomes.approvable
    hint = "it continues by itself when disk space is free" if full else ""
    return ControlError(ReplyCode.NOT_HELD, f'the job "{name}" does not wait for approval', hint)


def _states(jobs: list[Job]) -> JsonObject:
    return {
        "jobs": [
            {"name": job.supervisor.name, "state": job.supervisor.state.value}
            for job in sorted(jobs, key=lambda job: job.supervisor.name)
        ]
    }
