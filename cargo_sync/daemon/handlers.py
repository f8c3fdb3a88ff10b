"""Requests -> calls: what a daemon answers, as a dispatch table for the router."""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cargo_sync.api.commands import LONGEST_PAGE
from cargo_sync.api.messages import VERSION, Code, ControlError
from cargo_sync.daemon import views
from cargo_sync.daemon.jobs import Job, Jobs
from cargo_sync.daemon.supervisor import Supervisor
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.planned import Planned

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Me:
    """What the daemon says of itself.

    started  on the steady clock
    """

    version: str
    epoch: str
    uid: int
    host: str
    pid: int
    instance: str
    started: float


class Handlers:
    """Answers commands.

    reload  reads the daemon's own file again; what there is to say about it, a line each
    stop    ends the daemon
    """

    def __init__(
        self, jobs: Jobs, planned: Planned, world: World, me: Me,
        reload: Callable[[], list[str]], stop: Callable[[], None],
    ) -> None:  # fmt: skip
        self._jobs = jobs
        self._planned = planned
        self._world = world
        self._me = me
        self._reload = reload
        self._stop = stop

    def table(self) -> dict[str, Handler]:
        """By command."""
        return {
            name: _translated(handler)
            for name, handler in (
                ("hello", self.hello),
                ("status", self.status),
                ("job.list", self.list_jobs),
                ("job.show", self.show_job),
                ("job.start", self.start_job),
                ("job.pause", self.pause_job),
                ("job.reload", self.reload_job),
                ("job.sync", self.sync_job),
                ("job.plan", self.plan_job),
                ("job.approve", self.approve_job),
                ("transfer.list", self.list_transfers),
                ("reload", self.reload_all),
                ("shutdown", self.shutdown),
            )
        }

    async def hello(self, _: dict[str, Any]) -> dict[str, Any]:
        me = self._me
        return {
            "versions": {"api": VERSION, "cargo": me.version},
            "epoch": me.epoch,
            "uid": me.uid,
            "host": me.host,
            "pid": me.pid,
            "instance": me.instance,
            "kind": "daemon",
            "supports": sorted(self.table()),
        }

    async def status(self, _: dict[str, Any]) -> dict[str, Any]:
        jobs = self._jobs.all.values()
        return views.general([job.supervisor.state for job in jobs]) | {
            "totals": views.totals(job.gauge.advance() for job in jobs),
            "uptime_s": round(self._world.steady() - self._me.started, 3),
        }

    async def list_jobs(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"jobs": [views.row(job.gauge.standing()) for _, job in sorted(self._jobs.all.items())]}

    async def show_job(self, args: dict[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(args["job"])
        return views.whole(job.gauge.standing(), job.supervisor.past.causes())

    async def start_job(self, args: dict[str, Any]) -> dict[str, Any]:
        jobs = self._jobs.chosen(args.get("job"))
        if "job" in args:
            _enabled(jobs[0].supervisor)
        for job in jobs:
            await job.supervisor.start()
        return _states(jobs)

    async def pause_job(self, args: dict[str, Any]) -> dict[str, Any]:
        jobs = self._jobs.chosen(args.get("job"))
        if "job" in args:
            _enabled(jobs[0].supervisor)
        for job in jobs:
            await job.supervisor.pause()
        return _states(jobs)

    async def reload_job(self, args: dict[str, Any]) -> dict[str, Any]:
        if "job" in args:
            name = await self._jobs.read_one(args["job"])
            return _states([self._jobs.get(name)])
        _, errors = await self._jobs.read()
        if errors:
            raise ControlError(
                Code.BAD_CONFIG,
                "; ".join(str(problem) for error in errors for problem in error.problems),
                "the jobs of these files go on as they were",
            )
        return _states(list(self._jobs.all.values()))

    async def sync_job(self, args: dict[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(args["job"]).supervisor
        _ready(job)
        return {"run": job.sync()}

    async def approve_job(self, args: dict[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(args["job"]).supervisor
        _ready(job)
        if not job.past.approvable:
            hint = "it goes on by itself once there is room" if job.past.held else ""
            raise ControlError(Code.NOT_HELD, f'nothing of the job "{job.name}" waits for approval', hint)
        return {"run": job.sync(approved=True)}

    async def plan_job(self, args: dict[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(args["job"]).supervisor
        run = args.get("run")
        if run is None:
            _enabled(job)
            return {"run": job.plan(), "ready": False}
        limit = args.get("limit", LONGEST_PAGE)
        page = await self._world.offload(self._planned.page, run, args.get("after", 0), limit)
        if problem := job.no_plan(run):
            raise ControlError(problem.code, problem.message, problem.hint)
        if (page is None and not job.is_planning(run)) or (page is not None and page.job != job.name):
            raise ControlError(
                Code.UNKNOWN_RUN, f'the job "{job.name}" has no plan {run}', "plans are kept for an hour"
            )
        return views.plan(job.name, run, page, limit)

    async def list_transfers(self, _: dict[str, Any]) -> dict[str, Any]:
        jobs = self._jobs.all.values()
        return {"transfers": [views.transfer(one) for job in jobs for one in job.gauge.under_way()]}

    async def reload_all(self, _: dict[str, Any]) -> dict[str, Any]:
        lines = self._reload()
        results, errors = await self._jobs.read()
        return {
            "jobs": [{"name": name, "result": result} for name, result in results.items()],
            "errors": lines + [str(problem) for error in errors for problem in error.problems],
        }

    async def shutdown(self, _: dict[str, Any]) -> dict[str, Any]:
        self._stop()
        return {}


def _states(jobs: list[Job]) -> dict[str, Any]:
    return {
        "jobs": [
            {"name": job.supervisor.name, "state": job.supervisor.state.value}
            for job in sorted(jobs, key=lambda job: job.supervisor.name)
        ]
    }


def _enabled(job: Supervisor) -> None:
    if not job.settings.enabled:
        raise ControlError(
            Code.DISABLED, f'the job "{job.name}" is disabled', f'"enabled" is false in {job.settings.file}'
        )


def _ready(job: Supervisor) -> None:
    """A job that may run, once it is its turn."""
    _enabled(job)
    if job.paused:
        raise ControlError(Code.PAUSED, f'the job "{job.name}" is paused', "start it first")


def _translated(handler: Handler) -> Handler:
    """`handler`, whose problems are refusals in the same words."""

    @functools.wraps(handler)
    async def answer(args: dict[str, Any]) -> dict[str, Any]:
        try:
            return await handler(args)
        except ProblemError as error:
            problem = error.problem
            raise ControlError(problem.code, problem.message, problem.hint) from error

    return answer
