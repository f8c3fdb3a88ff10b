"""`job.plan`: what a run would do, made in the background and read in pages."""

from collections.abc import Sequence
from typing import Any

from cargo_sync.api.job_commands import PLAN, JobPlanArgs
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.daemon.handlers.refusals import enabled
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views
from cargo_sync.model.world import World
from cargo_sync.state.planned import Planned


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
