"""The state of a server, and what a migration makes of it."""

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final

from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.cluster.identity import server_id
from cargo_sync.config.server import ServerSettings
from cargo_sync.config.stored import is_in_bucket
from cargo_sync.local.space import SpaceLedger
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.migration.contents import RowsInBucket, RowsOnNodes, StoredRows
from cargo_sync.migration.to_nodes import MovingFolder
from cargo_sync.migration.trash_to_nodes import TrashRows
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.offload import threads
from cargo_sync.process.system import system_clocks, system_world
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.opened import SharedParts
from cargo_sync.state.ages import Ages
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.clock import RetentionClock, clock_beside
from cargo_sync.state.database import Database
from cargo_sync.state.displaced import DisplacedRows, all_incomplete
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.manifests import Manifests
from cargo_sync.state.opening import open_server_state, open_state_beside
from cargo_sync.state.workspace_moves import WorkspaceMoves
from cargo_sync.stores.folder import FolderStore

OWN_FOLDER: Final = "migrate"
"""The folder in `state_dir` of what is only for moves."""


class MovingState:
    """The state of a server, and the rooms of it that a move needs."""

    def __init__(
        self,
        settings: ServerSettings,
        database: Database,
        clock: Callable[[], float],
        last: ExitStack,
    ) -> None:
        self.settings = settings
        self.database = database
        self.world: World = system_world(last.enter_context(threads()), clock)
        history = HistoryRows(database, self.world.wall, self.world.lived)
        self.catalogue = StoredCatalogue(database, history)
        self.moves = WorkspaceMoves(database)
        self.own_folder = os.path.join(settings.state_dir, OWN_FOLDER)
        self._checkpoints = Checkpoints(database, clock)
        self._space = SpaceLedger()
        self._ages = Ages(database, clock)

    @property
    def shared(self) -> SharedParts:
        """What stores need of it."""
        return SharedParts(self.catalogue, self.ledger, self._checkpoints, self._space, self._ages)

    def rows(self, root: str, copies: int = 0) -> StoredRows:
        """The rows of contents in the store of a root; `copies` are wanted on nodes."""
        if is_in_bucket(root):
            return RowsInBucket(self.database, self.world.lived)
        return RowsOnNodes(self.database, copies)

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


class StoppedServer(MovingState):
    """The state of a server that does not run; this process holds it, so that it cannot start."""

    def __init__(self, settings: ServerSettings, last: ExitStack) -> None:
        """Opens it, until `last` closes it.

        Raises:
            ProblemError: the server runs (`state_in_use`), or the state cannot be used.
        """
        try:
            opened = open_server_state(settings.state_dir, settings.database, alone=True)
        except ProblemError as error:
            if error.problem.code is not Code.STATE_IN_USE:
                raise
            raise ProblemError(_runs(error.problem)) from error
        database = last.enter_context(opened)

        def unclean(stopped: UncleanStop) -> None:
            StoredCatalogue(database).suspect(stopped)
            all_incomplete(database, "server")

        id = ""
        if settings.database is not None:
            id = server_id(settings.state_dir, partial(secrets.token_hex, 16))
        clock = last.enter_context(RetentionClock(database, system_clocks(), unclean, id))
        super().__init__(settings, database, clock, last)


class RunningServer(MovingState):
    """The state of a server that runs, beside it. What workspaces hold must not be changed."""

    def __init__(self, settings: ServerSettings, last: ExitStack) -> None:
        """Opens it, until `last` closes it.

        Raises:
            ProblemError: another move is under way, or the state cannot be used.
        """
        own = os.path.join(settings.state_dir, OWN_FOLDER)
        opened = open_state_beside(settings.state_dir, settings.database, own)
        database = last.enter_context(opened)
        super().__init__(settings, database, clock_beside(database, system_clocks()), last)


def _runs(problem: Problem) -> Problem:
    hint = "stop the server first: nobody may change the workspace while it moves"
    return Problem(problem.code, problem.message, hint=hint, retry=False)
