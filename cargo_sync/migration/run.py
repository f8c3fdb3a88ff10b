"""A move: looks, says what it would do, moves, switches, says what was left behind."""

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any

from cargo_sync.config.server import ServerSettings, WorkspaceSettings, load_server
from cargo_sync.config.stored import is_stored, real_root
from cargo_sync.migration import settings_file
from cargo_sync.migration.ending import WorkEnd
from cargo_sync.migration.leaving import DONE, left_behind
from cargo_sync.migration.parts import StoppedServer
from cargo_sync.migration.place import MoveOrder, place_words
from cargo_sync.migration.placing import ContentReads
from cargo_sync.migration.planning import MovePlanning
from cargo_sync.migration.screen import Screen
from cargo_sync.migration.sending import SendTarget
from cargo_sync.migration.served import ServedMove
from cargo_sync.migration.settings_file import ChangedFile, NewPlace
from cargo_sync.migration.stores import StoreAccess, StoreWork, open_store
from cargo_sync.migration.to_folder import MoveToFolder, StoredSource
from cargo_sync.migration.to_nodes import MoveToNodes
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.stopping import Stop


class Migration:
    """One move. `screen` shows it; `access` is how stores are reached; `end` may end it early."""

    def __init__(self, screen: Screen, access: StoreAccess, end: WorkEnd) -> None:
        self._screen = screen
        self._access = access
        self._end = end
        self._planning = MovePlanning(screen, end)

    # -- moves -------------------------------------------------------------------------------------

    async def move(self, order: MoveOrder) -> int:
        """Moves a workspace; returns the exit code.

        Raises:
            ConfigError: the server's file cannot be used, or not be changed so.
            ProblemError: it cannot be moved; `stopped`.
        """
        settings = load_server(order.file, self._access.env)
        space = settings_file.named(settings, order.name)
        changed = self._changed(order)
        wanted = settings_file.named(changed.settings, order.name)
        if is_stored(space.path) and is_stored(wanted.path) and space.path != wanted.path:
            raise ProblemError(_by_a_folder(space))
        with ExitStack() as last:
            server = self._stopped(settings, last, (space, wanted), order)
            if server is None:
                code = await ServedMove(self._screen, self._access, self._end)(
                    order, (space, wanted), settings, changed.settings
                )
                if code is not None:
                    return code
                order = order._replace(yes=True)  # what is lost was agreed
                server = StoppedServer(settings, last)
            if is_stored(space.path) == is_stored(wanted.path):
                return await self._is_there(server, space)
            if order.folder:
                return await self._to_folder(order, server, space)
            return await self._to_store(order, server, space, changed.settings)

    async def _is_there(self, server: StoppedServer, space: WorkspaceSettings) -> int:
        """It is where it should be; a switch that was cut off is ended."""
        server.catalogue.workspace(real_root(space.path), server.world.token)
        self._screen.say(f"{space.name} is {place_words(space.path)} already")
        left_behind(server, space, self._access.env, self._screen)
        return DONE

    async def _to_store(
        self,
        order: MoveOrder,
        server: StoppedServer,
        space: WorkspaceSettings,
        settings: ServerSettings,
    ) -> int:
        wanted = settings_file.named(settings, order.name)
        offload, rows = server.world.offload, server.rows(wanted.path, order.copies)
        with ExitStack() as opened:
            source = await offload(server.folder, real_root(space.path), opened)
            id = source.folder.id
            work = StoreWork(settings, id, wanted)
            async with open_store(server, work, self._access, self._screen.end) as store:
                root = source.folder.store.root
                plan = await self._planning.to_store(
                    order, server, (space, wanted), (id, root), store
                )
                if (code := await self._planning.agreed(order, plan, offload)) is not None:
                    return code
                server.moves.begin(id, wanted.path, "")
                goal = SendTarget(store, rows, id)
                await offload(MoveToNodes(source, goal, self._end.goes_on, self._screen))
        self._switch(order, server, id)
        if short := rows.short(id):
            text = f"{short:,} contents have fewer than {order.copies} copies yet"
            self._screen.say(f"{text}: the server makes the others when it runs")
        left_behind(server, space, self._access.env, self._screen)
        return DONE

    async def _to_folder(
        self, order: MoveOrder, server: StoppedServer, space: WorkspaceSettings
    ) -> int:
        offload = server.world.offload
        id = server.catalogue.workspace(space.path, server.world.token).id
        with ExitStack() as opened:
            plan, into = await self._planning.to_folder(order, server, space, id, opened)
            if (code := await self._planning.agreed(order, plan, offload)) is not None:
                return code
            assert into is not None, "it is no dry run"
            work = StoreWork(server.settings, id, space)
            async with open_store(server, work, self._access, self._screen.end) as store:
                await self._planning.store_answers(store, id, None)
                source = StoredSource(server.catalogue, server.trash(id), ContentReads(store, id))
                await offload(MoveToFolder(source, into, self._end.goes_on, self._screen))
        self._switch(order, server, id)
        left_behind(server, space, self._access.env, self._screen)
        return DONE

    @staticmethod
    def _stopped(
        settings: ServerSettings,
        last: ExitStack,
        spaces: tuple[WorkspaceSettings, WorkspaceSettings],
        order: MoveOrder,
    ) -> StoppedServer | None:
        """The state, if no server has it; None if one has, and what can be done ahead is.

        Raises:
            ProblemError: the state cannot be used; the server must be stopped first.
        """
        try:
            return StoppedServer(settings, last)
        except ProblemError as error:
            ahead = not order.dry and is_stored(spaces[0].path) != is_stored(spaces[1].path)
            if error.problem.code is not Code.STATE_IN_USE or not ahead:
                raise
            if not any(one.bucket for one in spaces):
                raise
            return None

    def _changed(self, order: MoveOrder) -> ChangedFile:
        """The server's file with the new place. Raises ConfigError."""
        store = settings_file.store_in(order.bucket) if order.bucket else None
        place = NewPlace(order.folder, order.copies, store)
        return settings_file.with_place(order.file, order.name, place, self._access.env)

    def _switch(self, order: MoveOrder, server: StoppedServer, id: int) -> None:
        """Everything is there: the server's file says so, then the state. Raises ProblemError."""
        changed = self._changed(order)
        target = real_root(settings_file.named(changed.settings, order.name).path)
        server.moves.ready(id)
        try:
            settings_file.write(order.file, changed.text)
        except ProblemError as error:
            self._screen.say(f"{order.file} could not be changed: {error.problem}")
            self._screen.say(f"write there, in the workspace {order.name!r}: {changed.line}")
            self._screen.say("then start the server: it finds the workspace there")
            return
        server.catalogue.workspace(target, server.world.token)
        self._screen.say(f"{order.name} has moved; in {order.file} it has now {changed.line}")


async def run(work: Coroutine[Any, Any, int], end: WorkEnd) -> int:
    """Does the work until it is done, or a signal ends it; returns the exit code."""
    stop = Stop()
    stop.on_signals(lambda: None)
    task = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        end.ask()
        return await task
    finally:
        asked.cancel()
        stop.rested()


def _by_a_folder(space: WorkspaceSettings) -> Problem:
    message = f"{space.name} is {place_words(space.path)}, and cannot go to another store directly"
    hint = "move it to a folder first, and from there"
    return Problem(Code.UNSUPPORTED, message, hint=hint, retry=False)
