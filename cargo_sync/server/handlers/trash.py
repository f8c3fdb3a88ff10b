"""`trash.…` of a server: list, restore, empty; of a named workspace, or of a user's own."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.api.trash_commands import (
    WORKSPACE_TRASH_EMPTY,
    WORKSPACE_TRASH_LIST,
    WORKSPACE_TRASH_RESTORE,
    WorkspaceTrashEmptyArgs,
    WorkspaceTrashListArgs,
    WorkspaceTrashRestoreArgs,
)
from cargo_sync.config.stored import real_root
from cargo_sync.control import trash_views
from cargo_sync.control.routes import Route
from cargo_sync.local.trash import run_folder
from cargo_sync.model import paths
from cargo_sync.model.displaced import TrashFilter
from cargo_sync.model.history import CONTROL, ChangeCause
from cargo_sync.model.world import World
from cargo_sync.server.accounts.registry import Registry
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.server.workspace.opened import OpenWorkspaces


class WorkspaceTrashHandlers:
    """Commands of the person who runs the server; users have the HTTP API.

    opened  the folders that are served
    """

    def __init__(self, registry: Registry, opened: OpenWorkspaces, world: World) -> None:
        self._registry = registry
        self._opened = opened
        self._world = world

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(WORKSPACE_TRASH_LIST, self.list),
            Route(WORKSPACE_TRASH_RESTORE, self.restore),
            Route(WORKSPACE_TRASH_EMPTY, self.empty),
        )

    async def list(self, args: WorkspaceTrashListArgs) -> JsonObject:
        workspace, offload = await self._workspace(args.workspace, args.user), self._world.offload
        wanted = trash_views.wanted(args.pattern, args.run, args.since, args.all)
        page = await offload(workspace.trash, wanted, args.before, args.limit)
        totals = await offload(workspace.trash_totals)
        return {"where": workspace.path, **trash_views.page(page.rows, page.before, totals)}

    async def restore(self, args: WorkspaceTrashRestoreArgs) -> JsonObject:
        workspace = await self._workspace(args.workspace, args.user)
        _, ids = trash_views.numbers("trash.restore", args.ids)
        to, inside = paths.check(args.to.strip("/")), paths.check(args.inside.strip("/"))
        run = run_folder(self._world.wall(), self._world.token()[:8])
        cause = ChangeCause(origin=CONTROL)
        restore = partial(workspace.restore, ids, to, run, cause=cause, inside=inside)
        results = await self._world.offload(restore)
        return {"run": run, "results": trash_views.results(ids, results)}

    async def empty(self, args: WorkspaceTrashEmptyArgs) -> JsonObject:
        """`more` says that the same command would remove more."""
        workspace, offload = await self._workspace(args.workspace, args.user), self._world.offload
        if (args.ids is None) == (args.older is None):
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, '`trash.empty` needs either "ids" or "older"'
            )
        if args.ids is not None:
            _, ids = trash_views.numbers("trash.empty", args.ids)
            freed = await offload(workspace.free, ids)
        else:
            freed = await offload(workspace.free_all, TrashFilter(older=args.older or 0))
        return dict(freed._asdict())

    async def _workspace(self, name: str | None, user: str | None) -> Workspace:
        if (name is None) == (user is None):
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                'give either a "workspace" or a "user"',
                "a user is named for their own folder",
            )
        found = self._registry.user(user or "") if name is None else self._registry.workspace(name)
        path = found.path
        real = await self._world.offload(real_root, path)
        if real not in self._opened:
            raise ControlError(ReplyCode.UNKNOWN_WORKSPACE, f"{path!r} is not served now")
        return self._opened.at(real)
