"""`history`, `job.history`, `run.list` and `run.show`: what happened, from rows of the state."""

from collections.abc import Sequence
from typing import Any, Final

from cargo_sync.api import job_commands
from cargo_sync.api.daemon_commands import HISTORY, HistoryArgs
from cargo_sync.api.job_commands import EventKind
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.api.run_commands import RUN_LIST, RUN_SHOW, OneRun, RunListArgs
from cargo_sync.control.routes import Route
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views
from cargo_sync.model.events import Happened
from cargo_sync.model.path_pattern import PathPattern
from cargo_sync.model.world import Offload, World
from cargo_sync.state.events import EventFilter, Events
from cargo_sync.state.runs import RunRow, RunRows

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
        before = _NEWEST if args.before is None else args.before
        wanted = EventFilter(_happened(args.kind), PathPattern(args.path), args.start, args.end)
        offload, events = self._world.offload, self._events
        page = await offload(events.before, args.job, before, args.limit, wanted)
        if not page.rows and page.next is None:
            await self._check_name(args.job)
        return views.history(args.job, page)

    async def _check_name(self, job: str) -> None:
        """Checks that there is such a job, or was one. Raises ControlError(unknown_job)."""
        if not (await self._world.offload(self._events.before, job, _NEWEST, 1)).rows:
            self._jobs.check_name(job)


def _happened(kind: EventKind | None) -> Happened | None:
    """What a notice calls `kind`."""
    return next((each for each in Happened if each.kind == kind), None)


class RunHandlers:
    """Shows runs from the state."""

    def __init__(self, jobs: Jobs, runs: RunRows, offload: Offload) -> None:
        self._jobs = jobs
        self._runs = runs
        self._offload = offload

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(RUN_LIST, self.list), Route(RUN_SHOW, self.show))

    async def list(self, args: RunListArgs) -> JsonObject:
        rows = await self._offload(self._runs.page, args.job, args.before, args.limit)
        if not rows:
            self._jobs.check_name(args.job)
        more = rows[-1].number if len(rows) == args.limit else None
        return {"runs": [_row(row) for row in rows], "next": more}

    async def show(self, args: OneRun) -> JsonObject:
        found = await self._offload(self._runs.get, args.run)
        if found is None:
            raise ControlError(
                ReplyCode.UNKNOWN_RUN,
                f'there is no run "{args.run[:100]}"',
                "`run.list` lists those of a job that did something or failed",
            )
        return _row(found)


def _row(found: RunRow) -> JsonObject:
    return dict(found._asdict())
