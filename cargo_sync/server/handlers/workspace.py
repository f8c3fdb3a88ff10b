"""`workspace.…`: list, add, set, remove, grant, revoke; orphans, reclaim of one in a bucket."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from cargo_sync.api.arguments import Args
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.api.server_commands import (
    WORKSPACE_ADD,
    WORKSPACE_GRANT,
    WORKSPACE_LIST,
    WORKSPACE_ORPHANS,
    WORKSPACE_RECLAIM,
    WORKSPACE_REMOVE,
    WORKSPACE_REVOKE,
    WORKSPACE_SET,
    OneWorkspace,
    WorkspaceAddArgs,
    WorkspaceGrantArgs,
    WorkspaceOrphansArgs,
    WorkspaceSetArgs,
    WorkspaceUser,
)
from cargo_sync.config import places
from cargo_sync.config.grants import Grant, grant, level, subfolder
from cargo_sync.config.server_shape import USER_WORKSPACE
from cargo_sync.control.routes import Route
from cargo_sync.model.world import Offload
from cargo_sync.server.accounts.registry import Registry
from cargo_sync.server.handlers.refusals import by_file
from cargo_sync.server.handlers.terms import quota
from cargo_sync.server.reporting import buckets, views
from cargo_sync.state.workspaces import WorkspaceRow
from cargo_sync.stores.objects.reclaiming import ReclaimPart

T = TypeVar("T")
_AFTER: Final = re.compile("|[0-9a-f]{32}")


class Reclaim(Protocol):
    """Looks for orphans in the bucket of the workspace with this root, and deletes them if asked.

    See `stores.objects.reclaiming`. Raises ProblemError.
    """

    async def __call__(self, root: str, after: str, *, delete: bool) -> ReclaimPart: ...


class WorkspaceHandlers:
    """Commands about named workspaces."""

    def __init__(self, registry: Registry, offload: Offload, reclaim: Reclaim) -> None:
        self._registry = registry
        self._offload = offload
        self._reclaim = reclaim

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(WORKSPACE_LIST, self.list),
            Route(WORKSPACE_ADD, self.add),
            Route(WORKSPACE_SET, self.set),
            Route(WORKSPACE_REMOVE, self.remove),
            Route(WORKSPACE_GRANT, self.grant),
            Route(WORKSPACE_REVOKE, self.revoke),
            Route(WORKSPACE_ORPHANS, self.orphans),
            Route(WORKSPACE_RECLAIM, self.reclaim),
        )

    async def list(self, _: Args) -> JsonObject:
        spaces = sorted(self._registry.roster.workspaces, key=lambda one: one.name)
        return {"workspaces": await self._rows([one.name for one in spaces])}

    async def add(self, args: WorkspaceAddArgs) -> JsonObject:
        name = _name(args.workspace)
        async with self._registry.changing:
            if self._registry.roster.workspace(name) is not None:
                raise ControlError(
                    ReplyCode.WORKSPACE_EXISTS, f'there is already a workspace "{name}"'
                )
            grants = {
                self._registry.user(user).username: _checked(f'the grant of "{user}"', grant, given)
                for user, given in args.grants.items()
            }
            path = await self._registry.folder("workspace", args.path, name)
            await self._offload(self._registry.workspace_rows.add, WorkspaceRow(name, path, grants))
            await self._registry.refresh()
            return await self._row(name)

    async def set(self, args: WorkspaceSetArgs) -> JsonObject:
        given = quota("workspace.set", args.quota, args.files)
        if not given:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, "`workspace.set` needs something to set", "such as a quota"
            )
        async with self._registry.changing:
            space = self._registry.workspace(args.workspace)
            of_file = self._registry.workspace_of_file(space.name)
            if of_file is not None and (of_file.quota_bytes, of_file.quota_files) != (None, None):
                raise by_file(self._registry, f'the quota of "{space.name}" is')
            size = given.get("quota_bytes", space.quota_bytes)
            files = given.get("quota_files", space.quota_files)
            rows = self._registry.workspace_rows
            await self._offload(rows.set_quota, space.name, size, files)
            await self._registry.refresh()
            return await self._row(space.name)

    async def remove(self, args: OneWorkspace) -> JsonObject:
        async with self._registry.changing:
            space = self._registry.workspace(args.workspace)
            if self._registry.workspace_of_file(space.name) is not None:
                raise by_file(self._registry, f'the workspace "{space.name}" is')
            await self._offload(self._registry.workspace_rows.remove, space.name)
            await self._registry.refresh()
            return {"workspace": space.name, "path": space.path}

    async def grant(self, args: WorkspaceGrantArgs) -> JsonObject:
        access = _checked('"access"', level, args.access)
        granted = Grant(access, _checked('"path"', subfolder, args.path or ""))
        async with self._registry.changing:
            name, user = self._named(args)
            await self._offload(self._registry.workspace_rows.grant, name, user, granted)
            await self._registry.refresh()
            return await self._row(name)

    async def revoke(self, args: WorkspaceUser) -> JsonObject:
        async with self._registry.changing:
            name, user = self._named(args)
            await self._offload(self._registry.workspace_rows.revoke, name, user)
            await self._registry.refresh()
            return await self._row(name)

    async def orphans(self, args: WorkspaceOrphansArgs) -> JsonObject:
        return await self._part(args, delete=False)

    async def reclaim(self, args: WorkspaceOrphansArgs) -> JsonObject:
        return await self._part(args, delete=True)

    async def _part(self, args: WorkspaceOrphansArgs, *, delete: bool) -> JsonObject:
        space = self._registry.workspace(args.workspace)
        if space.bucket is None:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'the files of "{space.name}" do not lie in a bucket',
                "what storage nodes have and the server does not know goes by itself",
            )
        if not _AFTER.fullmatch(args.after):
            raise ControlError(ReplyCode.BAD_ARGUMENT, '"after" must be 32 hex digits')
        part = await self._reclaim(space.path, args.after, delete=delete)
        return {"workspace": space.name, **buckets.part(part)}

    def _named(self, args: WorkspaceUser) -> tuple[str, str]:
        """Workspace and user, if the file does not set the grant.

        Raises:
            ControlError: one of them is unknown, or the file sets the grant.
        """
        space, user = self._registry.workspace(args.workspace), self._registry.user(args.user)
        of_file = self._registry.workspace_of_file(space.name)
        if of_file is not None and user.username in of_file.grants:
            raise by_file(self._registry, f'the grant of "{space.name}" to "{user.username}" is')
        return space.name, user.username

    async def _row(self, name: str) -> JsonObject:
        [row] = await self._rows([name])
        return row

    async def _rows(self, names: Sequence[str]) -> Sequence[JsonObject]:
        registry = self._registry
        spaces = [registry.workspace(name) for name in names]
        used = await registry.used(spaces)
        return [
            views.workspace(one, registry.workspace_of_file(one.name), size)
            for one, size in zip(spaces, used, strict=True)
        ]


def _name(name: str) -> str:
    try:
        if places.segment(name) != name:
            raise ValueError("begins or ends with a space")
    except ValueError as error:
        raise ControlError(
            ReplyCode.BAD_ARGUMENT,
            f'"workspace" {error}',
            'a name has 1 to 100 characters without "/" and ":"',
        ) from None
    if name == USER_WORKSPACE:
        raise ControlError(
            ReplyCode.BAD_ARGUMENT,
            f'"{name}" is the name of every user\'s own folder',
            "choose another name",
        )
    return name


def _checked(what: str, check: Callable[[object], T], given: object) -> T:
    try:
        return check(given)
    except ValueError as error:
        raise ControlError(ReplyCode.BAD_ARGUMENT, f"{what}: {error}") from None
