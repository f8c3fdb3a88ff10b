"""`job.history`: what happened in a job, from the rows of its events."""

from typing import Any, Final

from cargo_sync.control.router import Handler
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views
from cargo_sync.model.events import Happened
from cargo_sync.model.world import World
from cargo_sync.state.events import Events

PAGE: Final = 100
_NEWEST: Final = 2**63 - 1


class HistoryHandlers:
    """Pages through events, newest first; also of jobs that there are no more."""

    def __init__(self, jobs: Jobs, events: Events, world: World) -> None:
        self._jobs = jobs
        self._events = events
        self._world = world

    def table(self) -> dict[str, Handler]:
        return {"job.history": self.history}

    async def history(self, args: dict[str, Any]) -> dict[str, Any]:
        job, limit = args["job"], args.get("limit", PAGE)
        kind = Happened.FAILED if args.get("failed") else None
        before = args.get("before", _NEWEST)
        rows = await self._world.offload(self._events.before, job, before, limit, kind)
        if not rows and not await self._world.offload(self._events.before, job, _NEWEST, 1):
            self._jobs.get(job)
        return views.history(job, rows, limit)
