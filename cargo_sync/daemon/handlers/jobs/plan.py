"""`job.plan`: what a run would do; `job.verify`: what differs; `job.deliver` brings it again.

They are made in the background, and read in pages.
"""

from collections.abc import Sequence
from typing import Any

from cargo_sync.api.job_commands import DELIVER, PLAN, VERIFY, JobDeliverArgs, JobPlanArgs
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.daemon.handlers.refusals import enabled, ready
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.jobs.verifications import Verifications
from cargo_sync.daemon.reporting import views
from cargo_sync.engine.execution.differences import SAME
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code
from cargo_sync.model.world import World
from cargo_sync.state.planned import Planned, PlannedPage


class PlanHandlers:
    """Begins previews, and shows their plans."""

    def __init__(self, jobs: Jobs, planned: Planned, world: World) -> None:
        self._jobs = jobs
        self._planned = planned
        self._world = world

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(PLAN, self.plan),)

    async def plan(self, args: JobPlanArgs) -> JsonObject:
        job = self._jobs.get(args.job).supervisor
        run, limit = args.run, args.limit
        if run is None:
            enabled(job)
            return {"run": job.plan(), "ready": False}
        page = await self._world.offload(self._planned.page, run, args.after, limit)
        if problem := job.previews.problem(run):
            raise ControlError(problem.code_text, problem.message, problem.hint)
        if (page is None and not job.previews.waits(run)) or (
            page is not None and page.job != job.name
        ):
            raise ControlError(
                ReplyCode.UNKNOWN_RUN,
                f'the job "{job.name}" has no plan {run}',
                "plans are kept for an hour",
            )
        two_way = job.settings.mode == "bidirectional"
        return views.plan(job.name, run, page, limit, two_way=two_way)


class VerifyHandlers:
    """Begins comparisons, shows what they found, and orders its delivery."""

    def __init__(
        self, jobs: Jobs, verifications: Verifications, planned: Planned, world: World
    ) -> None:
        self._jobs = jobs
        self._verifications = verifications
        self._planned = planned
        self._world = world

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(VERIFY, self.verify), Route(DELIVER, self.deliver))

    async def verify(self, args: JobPlanArgs) -> JsonObject:
        job = self._jobs.get(args.job).supervisor
        if args.run is None:
            ready(job)
            if not job.outcomes.looked:
                message = f'the job "{job.name}" has not looked at both sides yet'
                raise ControlError(Code.NOT_OPEN, message, "try again when it has")
            return {"run": self._verifications.begin(job), "ready": False}
        running = self._verifications.get(args.run)
        if running is not None and running.job == job.name:
            if running.problem is not None:
                problem = running.problem
                raise ControlError(problem.code_text, problem.message, problem.hint)
            if not running.ready:
                return views.comparison(job.name, args.run, running.comparison.files)
        page = await self._page(job, args.run, args.after, args.limit)
        return views.compared(job.name, args.run, page, args.limit)

    async def deliver(self, args: JobDeliverArgs) -> JsonObject:
        job = self._jobs.get(args.job).supervisor
        ready(job)
        if Mode(job.settings.mode) is Mode.BIDIRECTIONAL:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'the job "{job.name}" works in both directions: nobody but a person knows which '
                "side is right",
                "change or touch the right one; then it goes to the other side",
            )
        await self._page(job, args.run, 0, 1)
        return {"run": job.sync(again=args.run)}

    async def _page(self, job: Supervisor, run: str, after: int, limit: int) -> PlannedPage:
        page = await self._world.offload(self._planned.page, run, after, limit)
        if page is None or page.job != job.name or SAME not in (page.totals or ()):
            raise ControlError(
                ReplyCode.UNKNOWN_RUN,
                f'the job "{job.name}" has no comparison {run}',
                "comparisons are kept for an hour",
            )
        return page
