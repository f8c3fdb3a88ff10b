"""`history` and `job.history`: what happened, from the event rows of the state."""

from collections.abc import Sequence
from typing import Any, Final

from cargo_sync.api import job_commands
from cargo_sync.api.daemon_commands import HISTORY, HistoryArgs
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.routes import Route
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views
from cargo_sync.model.events import Happened
from cargo_sync.model.world import World
from cargo_sync.state.events import Events

_NEWEST: Final = 2**63 - 1


class HistoryHandlers:
    """Pages through event rows, also of removed jobs.

    Rows of all jobs come oldest first, after a cursor; rows of one job come newest first.
    """

    def __init__(self, jobs: Jobs, events: Events, world: World) -> None:
        self._jobs = jobs
        self._events = events
        self._world = world

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(HISTORY, self.history), Route(job_commands.HISTORY, self.of_job))

    async def history(self, args: HistoryArgs) -> JsonObject:
        since, limit, job = args.since, args.limit, args.job
        # Read before the rows, so that rows that are written in between come in the next page.
        oldest, newest = await self._world.offload(self._events.bounds)
        if since is None:
            rows = await self._world.offload(self._events.last, limit, job)
        else:
            rows = await self._world.offload(self._events.since, since, limit, job)
        if job is not None and not rows:
            await self._check_name(job)
        full = since is not None and len(rows) == limit
        reached = rows[-1][0] if rows else 0
        return {
            "rows": [views.event_row(cursor, event) for cursor, event in rows],
            "next": reached if full else max(reached, newest),
            "more": full,
            "oldest": oldest,
        }

    async def of_job(self, args: job_commands.JobHistoryArgs) -> JsonObject:
        job, limit = args.job, args.limit
        kind = Happened.FAILED if args.failed else None
        before = _NEWEST if args.before is None else args.before
        rows = await self._world.offload(self._events.before, job, before, limit, kind)
        if not rows:
            await self._check_name(job)
        return views.history(job, rows, limit)

    async def _check_name(self, job: str) -> None:
        """Checks that there is such a job, or was one. Raises ControlError(unknown_job)."""
        if not await self._world.offload(self._events.before, job, _NEWEST, 1):
            self._jobs.check_name(job)
