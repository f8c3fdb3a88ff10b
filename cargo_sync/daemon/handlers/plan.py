"""`job.plan`: what a run would do, made in the background and paged through."""

from typing import Any

from cargo_sync.api.daemon_commands import LONGEST_PAGE
from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.control.router import Handler
from cargo_sync.daemon.handlers.refusals import enabled
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views
from cargo_sync.model.world import World
from cargo_sync.state.planned import Planned


class PlanHandlers:
    """Answers previews."""

    def __init__(self, jobs: Jobs, planned: Planned, world: World) -> None:
        self._jobs = jobs
        self._planned = planned
        self._world = world

    def table(self) -> dict[str, Handler]:
        return {"job.plan": self.plan}

    async def plan(self, args: dict[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(args["job"]).supervisor
        run = args.get("run")
        if run is None:
            enabled(job)
            return {"run": job.plan(), "ready": False}
        limit = args.get("limit", LONGEST_PAGE)
        page = await self._world.offload(self._planned.page, run, args.get("after", 0), limit)
        if problem := job.no_plan(run):
            raise ControlError(problem.code_text, problem.message, problem.hint)
        if (page is None and not job.is_planning(run)) or (
            page is not None and page.job != job.name
        ):
            raise ControlError(
                ReplyCode.UNKNOWN_RUN,
                f'the job "{job.name}" has no plan {run}',
                "plans are kept for an hour",
            )
        return views.plan(job.name, run, page, limit)
