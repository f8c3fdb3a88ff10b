"""A move begins while its workspace is served: rounds ahead, until the server is stopped."""

from contextlib import ExitStack
from functools import partial
from typing import Final

from cargo_sync.config.server import ServerSettings, WorkspaceSettings
from cargo_sync.config.stored import real_root
from cargo_sync.local.root import Root
from cargo_sync.migration.ahead import MoveAhead, SentAhead
from cargo_sync.migration.ending import WorkEnd
from cargo_sync.migration.parts import RunningServer
from cargo_sync.migration.place import MoveOrder
from cargo_sync.migration.planning import POLL, MovePlanning
from cargo_sync.migration.screen import Screen
from cargo_sync.migration.stores import StoreAccess, StoreWork, open_store
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.opening import open_server_state

FEW: Final = 100
"""So many files that were sent in a round are changes of the moment."""
AGAIN: Final = 30.0
"""Seconds from one round to the next, while the server is served as before."""


class ServedMove:
    """The part of one move that is done ahead.

    `screen` shows it; `access` is how stores are reached; `end` may end it early.
    """

    def __init__(self, screen: Screen, access: StoreAccess, end: WorkEnd) -> None:
        self._screen = screen
        self._access = access
        self._end = end
        self._planning = MovePlanning(screen, end)

    async def __call__(
        self,
        order: MoveOrder,
        spaces: tuple[WorkspaceSettings, WorkspaceSettings],
        settings: ServerSettings,
        changed: ServerSettings,
    ) -> int | None:
        """Moves what there is while the server runs, until it is stopped.

        Returns:
            The exit code if nothing more is to be done.

        Raises:
            ProblemError: it cannot be moved; `stopped`.
        """
        agreed = asked = False
        while True:
            with ExitStack() as last:
                server = RunningServer(settings, last)
                begun = order._replace(yes=order.yes or agreed)
                done = await self._round(begun, server, spaces, changed, quiet=agreed)
            if isinstance(done, int):
                return done
            agreed = True
            if done.sent <= FEW and not asked:
                asked = True
                self._screen.say(
                    "all is there but what changes now: stop the server. The rest takes as long "
                    "as a look through all files; then start it again"
                )
            waited = 0.0
            while waited < (AGAIN if asked else POLL):
                self._end.check()
                if not _runs(settings):
                    return None
                await Wakeup().wait(POLL)
                waited += POLL

    async def _round(
        self,
        order: MoveOrder,
        server: RunningServer,
        spaces: tuple[WorkspaceSettings, WorkspaceSettings],
        changed: ServerSettings,
        *,
        quiet: bool,
    ) -> SentAhead | int:
        """One round; or the exit code, if it is not agreed to. Raises ProblemError."""
        space, wanted = spaces
        root, offload = real_root(space.path), server.world.offload
        id = server.moves.roots().get(root)
        if id is None:
            raise ProblemError(_never_served(space))
        ahead = MoveAhead(server, id, self._end.goes_on, self._screen)
        with ExitStack() as opened:
            if order.folder:
                plan, into = await self._planning.to_folder(order, server, space, id, opened)
                assert into is not None, "it is no dry run"
                code = await self._planning.agreed(order, plan, offload, quiet=quiet)
                work = StoreWork(server.settings, id, space)
                moving = partial(ahead.to_folder, into=into)
            else:
                folder = await offload(Root.open, root)
                opened.callback(folder.close)
                code, work = None, StoreWork(changed, id, wanted)
                rows = server.rows(wanted.path)
                moving = partial(ahead.to_store, folder=folder, rows=rows)
            if code is not None:
                return code
            async with open_store(server, work, self._access, self._screen.end) as store:
                await self._planning.store_answers(store, id, None)
                if not order.folder:
                    plan = await self._planning.to_store(order, server, spaces, (id, folder), store)
                    code = await self._planning.agreed(order, plan, offload, quiet=quiet)
                    if code is not None:
                        return code
                    server.moves.begin(id, wanted.path, "")
                return await offload(moving, store)


def _runs(settings: ServerSettings) -> bool:
    """Whether a server has the state. Raises ProblemError: it cannot be used."""
    try:
        open_server_state(settings.state_dir, settings.database, alone=True).close()
    except ProblemError as error:
        if error.problem.code is not Code.STATE_IN_USE:
            raise
        return True
    return False


def _never_served(space: WorkspaceSettings) -> Problem:
    message = f"the server has not served {space.name} yet: nothing is known of it"
    hint = "`cargo_ctl reload --server`, or stop the server"
    return Problem(Code.UNKNOWN_WORKSPACE, message, hint=hint)
