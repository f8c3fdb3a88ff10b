"""The open folders: a workspace for each, and its external changes while it is served."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogue
from cargo_sync.catalogue.quota_ledger import QuotaShare, Told
from cargo_sync.cluster.holds import FolderHolds
from cargo_sync.config.server import ServerSettings, UserSettings, WorkspaceSettings
from cargo_sync.config.stored import is_in_bucket, is_stored, real_root
from cargo_sync.local.ages import AgeStore
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.local.parts import CheckpointStore
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.watch import native
from cargo_sync.machines.quota import NOTHING_USED, Quota, Use
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.tasks import lasting
from cargo_sync.server.workspace.content.sweep import OwnedContents
from cargo_sync.server.workspace.content.tree import ContentState, ContentTree
from cargo_sync.server.workspace.content.upkeep import ContentUpkeep
from cargo_sync.server.workspace.content.workspace import ContentWorkspace
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.external_changes import ExternalChanges
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.refusals import is_elsewhere
from cargo_sync.server.workspace.rows.tree import Changed, Tell
from cargo_sync.stores.contract import ContentStore
from cargo_sync.stores.folder import DAY, FolderStore

PATIENCE: Final = 3.0
"""Seconds that a call may still use a folder that is not served any more."""

_log = logging.getLogger(__name__)


class SharedParts(NamedTuple):
    """What every workspace needs, whatever it is built of."""

    catalogue: Catalogue
    ledger: Callable[[int], TrashLedger]
    checkpoints: CheckpointStore
    space: SpaceLedger
    ages: AgeStore


class StoredParts(NamedTuple):
    """What workspaces without a folder need: where their contents lie, and their rows."""

    store: ContentStore
    state: ContentState
    owned: OwnedContents


class OpenWorkspaces:
    """Workspaces by their roots (`config.stored`).

    stored      for workspaces on storage nodes; None until there are some
    in_buckets  for workspaces in buckets; None until there are some
    """

    def __init__(
        self,
        world: World,
        shared: SharedParts,
        changed: Changed,
        tell: Tell,
        stored: StoredParts | None = None,
        holds: FolderHolds | None = None,
    ) -> None:
        self._world = world
        self._shared = shared
        self._changed = changed
        self._tell = tell
        self._native = native()
        self._holds = holds
        self.stored = stored
        self.in_buckets: StoredParts | None = None
        self._open: dict[str, FolderWorkspace | ContentWorkspace] = {}
        self._external: dict[str, asyncio.Task[None]] = {}
        self._changes: dict[str, ExternalChanges] = {}
        self._ending: list[asyncio.Task[None]] = []

    def at(self, path: str) -> Workspace:
        """The workspace of a root; it was opened before."""
        return self._open[path]

    def id_at(self, path: str) -> int | None:
        """The id of the open workspace of a root; None if it is not open."""
        return self._open[path].id if path in self._open else None

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, path: str) -> bool:
        return path in self._open

    def allow(
        self,
        users: Iterable[UserSettings],
        workspaces: Iterable[WorkspaceSettings],
        tell: Told,
    ) -> None:
        """Sets the quotas of all open folders, which count at once. It blocks.

        `tell` is told when one is reached, or nearly.
        """
        own: dict[str, dict[str, Quota]] = {}
        for user in users:
            quota = Quota(user.quota_bytes, user.quota_files)
            own.setdefault(real_root(user.path), {})[user.username] = quota
        named = {real_root(one.path): one for one in workspaces}
        for path, workspace in list(self._open.items()):
            if (space := named.get(path)) is not None:
                quota = Quota(space.quota_bytes, space.quota_files)
                workspace.quotas.allow({}, tell, space.name, quota)
            else:
                workspace.quotas.allow(own.get(path, {}), tell)

    def quotas(self) -> list[QuotaShare]:
        """How much of each quota is used."""
        return [share for one in self._open.values() for share in one.quotas.shares()]

    def promised(self) -> dict[int, Use]:
        """What of quotas was promised to files that come, by workspace; nothing is left out."""
        found = {one.id: one.quotas.promised for one in self._open.values()}
        return {id: use for id, use in found.items() if use != NOTHING_USED}

    def promised_elsewhere(self, found: Mapping[int, Use]) -> None:
        """Other servers have promised this, by workspace; in others nothing."""
        for one in self._open.values():
            one.quotas.promised_elsewhere(found.get(one.id, NOTHING_USED))

    def used(self, paths: Iterable[str]) -> list[Use]:
        """How much is in each of these folders; nothing in one that was never served. It blocks."""
        known = self._shared.catalogue.uses()
        return [known.get(real_root(path), NOTHING_USED) for path in paths]

    def heard(self, ids: Collection[int]) -> None:
        """Other servers have recorded something in these. It blocks. Raises ProblemError."""
        for workspace in list(self._open.values()):
            if workspace.id in ids:
                workspace.heard()

    async def open(self, path: str) -> Problem | None:
        """Opens a folder; one that was never served is made.

        Returns:
            Why it cannot be used now, or None. Then it counts as open all the same, and is tried
            again while it is served.

        Raises:
            ProblemError: the state cannot be written.
        """
        if path not in self._open:
            self._open[path] = await self._world.offload(self._made, path)
        try:
            await self._world.offload(self._open[path].attach)
        except ProblemError as error:
            return error.problem
        return None

    def serve(
        self, paths: Collection[str], settings: ServerSettings, tasks: asyncio.TaskGroup
    ) -> None:
        """Notices other programs' changes in these folders from now on, and in no others."""
        for path in self._external.keys() - set(paths):
            self._ending.append(self._external.pop(path))
            self._changes.pop(path, None)
            self._ending[-1].cancel()
        for path in paths:
            if path not in self._external:
                run, words = self._upkeep(path, settings)
                self._external[path] = tasks.create_task(lasting(run, f"{words} {path!r}"))

    def _upkeep(
        self, path: str, settings: ServerSettings
    ) -> tuple[Callable[[], Coroutine[Any, Any, None]], str]:
        """What goes on in a workspace while it is served, and how it is called."""
        workspace = self._open[path]
        limits = TrashLimits(settings.trash_days * DAY, settings.trash_max)
        if isinstance(workspace, ContentWorkspace):
            upkeep = ContentUpkeep(workspace, self._world, limits)
            return upkeep.run, "looking after"
        changes = ExternalChanges(
            workspace,
            self._world,
            settings.settle,
            settings.scan_interval,
            settings.full_scan_interval,
            limits,
            self._native,
        )
        self._changes[path] = changes
        return changes.run, "looking for changes in"

    def attach_soon(self, path: str) -> None:
        """Another server may have taken a folder: it is let go, and taken again if it is free."""
        if (changes := self._changes.get(path)) is not None:
            changes.attach_soon()

    def unserved(self) -> list[Workspace]:
        """The open folders that are not served any more, until `let_go`."""
        return [self._open[path] for path in sorted(self._open.keys() - self._external.keys())]

    async def let_go(self, some: Collection[Workspace]) -> None:
        """Closes folders that are not served, so that their disks can be unmounted.

        No lane may use them any more. A request that still does gets `root_gone`. A folder whose
        disk hangs stays open.
        """
        ending, self._ending = self._ending, []
        await asyncio.gather(*ending, return_exceptions=True)
        for workspace in some:
            workspace.stop()
            if await self._world.offload(workspace.close, PATIENCE):
                del self._open[workspace.path]

    def problems(self) -> dict[str, Problem | None]:
        """The served folders that cannot be used now, with the reason if it is known.

        Those that another server has are served.
        """
        served = ((path, self._open[path]) for path in sorted(self._external))
        away = {path: one.problem for path, one in served if not one.attached}
        return {path: why for path, why in away.items() if not is_elsewhere(why)}

    def unoffered(self) -> int:
        """How many names in the served folders are not offered."""
        return sum(self._open[path].unoffered for path in self._external)

    def stop(self) -> None:
        """Makes hash computations end soon."""
        for workspace in self._open.values():
            workspace.stop()

    def rest(self) -> None:
        """Stops watching and scanning."""
        for changes in self._external.values():
            changes.cancel()

    def close(self) -> None:
        """Closes the folders, which must not be in use any more."""
        for workspace in self._open.values():
            workspace.close()

    def _made(self, path: str) -> FolderWorkspace | ContentWorkspace:
        world, shared = self._world, self._shared
        if is_stored(path):
            stored = self.in_buckets if is_in_bucket(path) else self.stored
            assert stored is not None, "the spool is open"
            tree = ContentTree(path, stored.state, stored.store, world, self._changed, self._tell)
            return ContentWorkspace(tree, stored.owned)
        open_store = partial(
            FolderStore.open,
            path,
            token=world.token,
            checkpoints=shared.checkpoints,
            space=shared.space,
            ages=shared.ages,
            wall=world.wall,
        )
        return FolderWorkspace(
            CataloguedFolder(
                path,
                shared.catalogue,
                shared.ledger,
                open_store,
                world.token,
                self._changed,
                self._tell,
                world.steady,
                self._holds.of(path) if self._holds else None,
            ),
            world.token,
        )
