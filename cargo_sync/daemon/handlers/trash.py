"""`trash.…` of a daemon: list, restore, empty; of a job's local folder, or of its server."""

from collections.abc import Sequence
from typing import Any, Protocol

from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.api.trash_commands import (
    JOB_TRASH_EMPTY,
    JOB_TRASH_LIST,
    JOB_TRASH_RESTORE,
    JobTrashEmptyArgs,
    JobTrashListArgs,
    JobTrashRestoreArgs,
    Side,
)
from cargo_sync.config.remote_address import RemoteKind
from cargo_sync.control import trash_views
from cargo_sync.control.routes import Route
from cargo_sync.control.trash_views import FAR
from cargo_sync.daemon.job.supervisor import JobTrashes, Supervisor
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.local.trash import run_folder
from cargo_sync.model import paths
from cargo_sync.model.displaced import Restored, TrashFilter
from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.trash import FarTrash


class Tell(Protocol):
    """Stores events, and tells the listeners."""

    async def __call__(self, *events: Event) -> None: ...


class TrashHandlers:
    """Lists what a job has displaced, and brings it back."""

    def __init__(self, jobs: Jobs, world: World, tell: Tell) -> None:
        self._jobs = jobs
        self._world = world
        self._tell = tell

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(JOB_TRASH_LIST, self.list),
            Route(JOB_TRASH_RESTORE, self.restore),
            Route(JOB_TRASH_EMPTY, self.empty),
        )

    async def list(self, args: JobTrashListArgs) -> JsonObject:
        """`other` is the side that is worth a look too, or null."""
        job = self._jobs.get(args.job).supervisor
        side, trash = _side(job, args.side), job.sides.trash
        wanted = trash_views.wanted(args.pattern, args.run, args.since, args.all)
        if side == "far":
            far = await _far(trash).page(wanted, args.before, args.limit)
            page = trash_views.page(far.rows, far.before, far.totals, FAR)
        else:
            offload, ledger = self._world.offload, trash.ledger
            near = await offload(ledger.page, wanted, args.before, args.limit)
            totals = await offload(ledger.totals)
            page = trash_views.page(near.rows, near.before, totals)
        both = (
            args.side is None
            and trash.far is not None
            and Mode(job.settings.mode) is Mode.BIDIRECTIONAL
        )
        other = ("far" if side == "near" else "near") if both else None
        return {"job": job.name, "side": side, "where": _where(job, side), **page, "other": other}

    async def restore(self, args: JobTrashRestoreArgs) -> JsonObject:
        job = self._jobs.get(args.job).supervisor
        prefix, ids = trash_views.numbers("trash.restore", args.ids)
        to, inside = paths.check(args.to.strip("/")), paths.check(args.inside.strip("/"))
        run = run_folder(self._world.wall(), self._world.token()[:8])
        if prefix == FAR:
            results = await _far(job.sides.trash).restore(ids, to, run, inside)
        else:
            results = await job.sides.trash.near.restore(ids, to, run, inside)
        await self._tell_restored(job, results)
        job.hint()
        return {
            "job": job.name,
            "side": "far" if prefix else "near",
            "run": run,
            "results": trash_views.results(ids, results, prefix),
        }

    async def empty(self, args: JobTrashEmptyArgs) -> JsonObject:
        """`more` says that the same command would remove more."""
        job = self._jobs.get(args.job).supervisor
        if (args.ids is None) == (args.older is None):
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, '`trash.empty` needs either "ids" or "older"'
            )
        trash = job.sides.trash
        if args.ids is not None:
            prefix, ids = trash_views.numbers("trash.empty", args.ids)
            side: Side = "far" if prefix else "near"
            freed = await (_far(trash).free(ids) if prefix else trash.near.free(ids))
        else:
            side = _side(job, args.side)
            older = args.older or 0
            if side == "far":
                freed = await _far(trash).free_older(older)
            else:
                freed = await trash.near.free_all(TrashFilter(older=older))
        if freed.files:
            words = f"{freed.files:,} removed from the trash for good"
            details = EventDetails(words, files=freed.files)
            event = Event(
                job.name, Happened.FREED, self._world.wall(), size=freed.bytes, details=details
            )
            await self._tell(event)
        return {"job": job.name, "side": side, **freed._asdict()}

    async def _tell_restored(self, job: Supervisor, results: Sequence[object]) -> None:
        now = self._world.wall()
        events = [
            Event(job.name, Happened.RESTORED, now, one.path)
            for one in results
            if isinstance(one, Restored)
        ]
        if events:
            await self._tell(*events)


def _side(job: Supervisor, side: Side | None) -> Side:
    """The side that is meant; without a word, the one to which the job writes."""
    return side or ("far" if Mode(job.settings.mode) is Mode.UPLOAD else "near")


def _far(trash: JobTrashes) -> FarTrash:
    """The trash of the far side. Raises ProblemError if it cannot be listed."""
    if trash.far is None:
        message = "the trash of this server cannot be listed"
        hint = "look into .cargo_sync/trash there, or at the older versions that the server keeps"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, hint=hint, retry=False))
    return trash.far


def _where(job: Supervisor, side: str) -> str:
    """The folder, in words."""
    settings = job.settings
    if side == "near":
        return settings.local_dir
    if settings.remote.kind is not RemoteKind.CARGO:
        return settings.remote_place
    return f"{settings.url} {paths.join(settings.workspace, settings.remote_dir)}".rstrip("/")
