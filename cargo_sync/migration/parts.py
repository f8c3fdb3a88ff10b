"""The state of a server that does not run, and what a migration makes of it."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

from cargo_sync.api.addresses import SERVER, keys_dir
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.cluster.identity import server_id
from cargo_sync.config.server import ServerSettings, WorkspaceSettings
from cargo_sync.local.space import SpaceLedger
from cargo_sync.machines.nodes.placement import quorum
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.migration.sending import SendTarget
from cargo_sync.migration.to_nodes import MovingFolder
from cargo_sync.migration.trash_to_nodes import TrashRows
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.offload import threads
from cargo_sync.process.system import system_clocks, system_world
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.node_storage import Dialer, NodeStorage, SharedParts
from cargo_sync.state.ages import Ages
from cargo_sync.state.blobs import Blobs
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.clock import RetentionClock
from cargo_sync.state.displaced import DisplacedRows, all_incomplete
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.manifests import Manifests
from cargo_sync.state.opening import open_server_state
from cargo_sync.state.workspace_moves import WorkspaceMoves
from cargo_sync.stores.contract import ContentStore
from cargo_sync.stores.folder import FolderStore

HOLDER: Final = "cargo_sync migrate"


class StoppedServer:
    """The state of a server, which this process holds: the server cannot start meanwhile."""

    def __init__(self, settings: ServerSettings, last: ExitStack) -> None:
        """Opens it, until `last` closes it.

        Raises:
            ProblemError: the server runs (`state_in_use`), or the state cannot be used.
        """
        self.settings = settings
        try:
            database = open_server_state(settings.state_dir, settings.database, alone=True)
        except ProblemError as error:
            if error.problem.code is not Code.STATE_IN_USE:
                raise
            raise ProblemError(_runs(error.problem)) from error
        self.database = last.enter_context(database)

        def unclean(stopped: UncleanStop) -> None:
            StoredCatalogue(database).suspect(stopped)
            all_incomplete(database, "server")

        id = ""
        if settings.database is not None:
            id = server_id(settings.state_dir, partial(secrets.token_hex, 16))
        clock = last.enter_context(RetentionClock(database, system_clocks(), unclean, id))
        self.world: World = system_world(last.enter_context(threads()), clock)
        history = HistoryRows(database, self.world.wall, self.world.lived)
        self.catalogue = StoredCatalogue(database, history)
        self.moves = WorkspaceMoves(database)
        self.blobs = Blobs(database)
        self._checkpoints = Checkpoints(database, clock)
        self._space = SpaceLedger(database.path)
        self._ages = Ages(database, clock)

    def ledger(self, workspace: int) -> DisplacedRows:
        return DisplacedRows(self.database, workspace, self.world.wall, self.world.lived)

    def trash(self, workspace: int) -> TrashRows:
        return TrashRows(self.ledger(workspace), Manifests(self.database, workspace))

    def folder(self, path: str, last: ExitStack) -> MovingFolder:
        """The workspace that is a folder, open until `last` closes it. Raises ProblemError."""
        world = self.world
        folder = CataloguedFolder(
            path,
            self.catalogue,
            self.ledger,
            partial(self.folder_store, path),
            world.token,
            lambda workspace, changed: None,
            lambda told: None,
            world.steady,
        )
        workspace = FolderWorkspace(folder, world.token)
        last.callback(workspace.close)
        workspace.attach()
        return MovingFolder(folder, workspace, self.trash(folder.id))

    def folder_store(self, path: str, known: str, **more: object) -> FolderStore:
        """Opens a folder; the arguments are those of `FolderStore.open`. Raises ProblemError."""
        return FolderStore.open(
            path,
            known,
            checkpoints=self._checkpoints,
            space=self._space,
            ages=self._ages,
            wall=self.world.wall,
            **{"token": self.world.token, **more},  # type: ignore[arg-type]
        )

    def storage(
        self, settings: ServerSettings, dialer: Dialer, env: Mapping[str, str]
    ) -> NodeStorage:
        """The store of workspaces on nodes, not open yet; `env` says where keys are."""
        shared = SharedParts(
            self.catalogue, self.ledger, self._checkpoints, self._space, self._ages
        )
        keys = keys_dir(env, SERVER)
        return NodeStorage(settings, self.database, self.world, shared, dialer, keys)

    async def store(
        self,
        storage: NodeStorage,
        workspaces: Sequence[WorkspaceSettings],
        ids: dict[str, int],
        tasks: asyncio.TaskGroup,
    ) -> ContentStore:
        """Opens it, and lets it work; `ids` are those of workspaces by their paths.

        Raises:
            ProblemError: the spool cannot be opened.
        """
        await storage.open(workspaces)
        storage.serve(workspaces, ids.get, tasks)
        assert storage.store is not None, "one of the workspaces is on nodes"
        return storage.store

    def target(self, store: ContentStore, workspace: int, copies: int) -> SendTarget:
        return SendTarget(store, self.blobs, workspace, quorum(copies))

    def short(self, workspace: int, copies: int) -> int:
        """How many contents of a workspace have fewer copies than it wants."""
        sets = self.blobs.placements()
        return sum(
            one.blobs
            for one in self.blobs.holdings()
            if one.workspace == workspace and len(sets.get(one.placement, ())) < copies
        )

    def on_nodes(self, workspace: int) -> int:
        """Bytes of the contents that a workspace has on nodes, each counted once."""
        return sum(one.bytes for one in self.blobs.holdings() if one.workspace == workspace)


def _runs(problem: Problem) -> Problem:
    hint = "stop the server first: nobody may change the workspace while it moves"
    return Problem(problem.code, problem.message, hint=hint, retry=False)
