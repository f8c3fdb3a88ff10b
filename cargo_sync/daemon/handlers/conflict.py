"""`conflict.…`: list, show, resolve."""

from collections.abc import Sequence
from typing import Any

from cargo_sync.api.conflict_commands import (
    CONFLICT_LIST,
    CONFLICT_RESOLVE,
    CONFLICT_SHOW,
    ConflictListArgs,
    ConflictResolveArgs,
    OneConflict,
)
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.daemon.handlers.refusals import ready
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import conflict_views
from cargo_sync.model.conflicts import Choice, Conflict
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.plan.conflict_policy import allowed
from cargo_sync.state.conflicts import Conflicts
from cargo_sync.state.database import Database
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import JobRows


class ConflictHandlers:
    """Shows conflicts, and takes what a person decides about them."""

    def __init__(self, jobs: Jobs, database: Database, world: World) -> None:
        self._jobs = jobs
        self._database = database
        self._conflicts = Conflicts(database)
        self._rows = JobRows(database)
        self._world = world

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(CONFLICT_LIST, self.list),
            Route(CONFLICT_SHOW, self.show),
            Route(CONFLICT_RESOLVE, self.resolve),
        )

    async def list(self, args: ConflictListArgs) -> JsonObject:
        return await self._world.offload(self._page, args)

    async def show(self, args: OneConflict) -> JsonObject:
        return conflict_views.row(await self._world.offload(self._get, args.id))

    async def resolve(self, args: ConflictResolveArgs) -> JsonObject:
        """A job that may run carries it out at once; `run` is null if it may not."""
        found = await self._world.offload(self._choose, args.id, Choice(args.choice))
        await self._jobs.replacing.wait(found.job)
        job = self._jobs.get(found.job).supervisor
        try:
            ready(job)
        except ControlError as waits:
            return {"conflict": conflict_views.row(found), "run": None, "waits": waits.message}
        return {"conflict": conflict_views.row(found), "run": job.sync(), "waits": ""}

    def _page(self, args: ConflictListArgs) -> JsonObject:
        wanted = None if args.state == "all" else args.state == "open"
        found = self._conflicts.page(args.job, open=wanted, after=args.after, limit=args.limit)
        totals = self._conflicts.counts(args.job)
        if args.job is not None and not any(totals):
            self._jobs.check_name(args.job)
        return conflict_views.page(found, totals, args.limit)

    def _get(self, id: int) -> Conflict:
        if (found := self._conflicts.get(id)) is None:
            raise ControlError(
                ReplyCode.UNKNOWN_CONFLICT,
                f"there is no conflict {id}",
                "`conflict.list` lists those that are open",
            )
        return found

    def _choose(self, id: int, choice: Choice) -> Conflict:
        found = self._get(id)
        if not found.open:
            raise ControlError(
                ReplyCode.RESOLVED, f"the conflict {id} about {found.path!r} is resolved already"
            )
        near, far = found.evidence.near, found.evidence.far
        if choice not in allowed(near, far):
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f"one side of {found.path!r} is a folder, so only both can be kept",
                "keep both, then delete what you do not need",
            )
        if not self._still(found) or not self._conflicts.choose(id, found.evidence, choice):
            raise ProblemError(
                Problem(
                    Code.CHANGED,
                    f"{found.path!r} has changed since conflict {id} was seen; nothing was decided",
                    found.path,
                    "look at it again, then decide",
                )
            )
        return self._get(id)

    def _still(self, found: Conflict) -> bool:
        """Whether both sides, as last seen, are what the person decides about.

        The run looks again at the moment of the change.
        """
        row = self._rows.get(found.job)
        if row is None:
            return False
        near, far, _ = Folders(self._database, row.id).entry(found.path)
        return near is not None and far is not None and found.evidence.same_sides(near, far)
