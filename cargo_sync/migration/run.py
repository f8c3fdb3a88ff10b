"""A move: looks, says what it would do, moves, switches, says what was left behind."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any, Final

from cargo_sync.config.server import ServerSettings, WorkspaceSettings, load_server
from cargo_sync.config.stored import is_stored, real_root, stored_root
from cargo_sync.migration import settings_file
from cargo_sync.migration.ending import WorkEnd
from cargo_sync.migration.leaving import DONE, REFUSED, left_behind
from cargo_sync.migration.parts import StoppedServer
from cargo_sync.migration.place import MoveOrder, Plan, Room, left
from cargo_sync.migration.placing import ContentReads
from cargo_sync.migration.rooms import free_at, must_be_usable, not_empty, spool_room, used
from cargo_sync.migration.screen import Screen
from cargo_sync.migration.settings_file import NewPlace
from cargo_sync.migration.survey import Extent, SurveyResult, survey_folder, survey_stored, unfit
from cargo_sync.migration.to_folder import MoveToFolder, StoredSource
from cargo_sync.migration.to_nodes import MoveToNodes, MovingFolder
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.stopping import Stop
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.server.workspace.node_storage import Dialer
from cargo_sync.stores.contract import ContentStore
from cargo_sync.stores.folder import FolderStore

POLL: Final = 0.2
ANSWER: Final = 15
"""Seconds for which a dry run waits for nodes to answer."""


class Migration:
    """One move. `screen` shows it; `dialer` reaches nodes; `end` may end it early."""

    def __init__(
        self, screen: Screen, env: Mapping[str, str], dialer: Dialer, end: WorkEnd
    ) -> None:
        self._screen = screen
        self._env = env
        self._dialer = dialer
        self._end = end

    # -- moves -------------------------------------------------------------------------------------

    async def move(self, order: MoveOrder) -> int:
        """Moves a workspace; returns the exit code.

        Raises:
            ConfigError: the server's file cannot be used, or not be changed so.
            ProblemError: it cannot be moved; `stopped`.
        """
        settings = load_server(order.file, self._env)
        space = settings_file.named(settings, order.name)
        place = NewPlace(order.folder, order.copies)
        with ExitStack() as last:
            server = StoppedServer(settings, last)
            if is_stored(space.path) is not bool(order.folder):
                return await self._is_there(server, space)
            changed = settings_file.with_place(order.file, order.name, place, self._env)
            if order.folder:
                return await self._to_folder(order, server, space)
            return await self._to_nodes(order, server, space, changed.settings)

    async def _is_there(self, server: StoppedServer, space: WorkspaceSettings) -> int:
        """It is where it should be; a switch that was cut off is ended."""
        server.catalogue.workspace(real_root(space.path), server.world.token)
        where = f"in {space.path}" if space.copies is None else "on storage nodes"
        self._screen.say(f"{space.name} is {where} already")
        left_behind(server, space, self._env, self._screen)
        return DONE

    async def _to_nodes(
        self,
        order: MoveOrder,
        server: StoppedServer,
        space: WorkspaceSettings,
        wanted: ServerSettings,
    ) -> int:
        root, target = real_root(space.path), stored_root(space.name)
        offload = server.world.offload
        with ExitStack() as opened:
            source = await offload(server.folder, root, opened)
            id = source.folder.id
            survey = await offload(self._look_at_folder, source)
            ids = {**server.moves.roots(), target: id}
            async with self._at_nodes(server, wanted, ids) as store:
                await self._nodes_answer(store, id, ANSWER if order.dry else None)
                there = server.on_nodes(id)
                all_of_it = survey.live.bytes + survey.trash.bytes
                rooms = (
                    Room("the storage nodes", left(all_of_it, there), store.room(id)),
                    spool_room(server, survey.live),
                )
                words = f"storage nodes, {order.copies} copies"
                plan = Plan(space.name, root, words, survey, there, rooms)
                if (code := await self._agreed(order, plan, offload)) is not None:
                    return code
                server.moves.begin(id, target, "")
                goal = server.target(store, id, order.copies)
                await offload(MoveToNodes(source, goal, self._end.goes_on, self._screen))
        self._switch(order, server, id, NewPlace("", order.copies))
        if short := server.short(id, order.copies):
            text = f"{short:,} contents have fewer than {order.copies} copies yet"
            self._screen.say(f"{text}: the server makes the others when it runs")
        left_behind(server, space, self._env, self._screen)
        return DONE

    async def _to_folder(
        self, order: MoveOrder, server: StoppedServer, space: WorkspaceSettings
    ) -> int:
        offload, target = server.world.offload, real_root(order.folder)
        id = server.catalogue.workspace(space.path, server.world.token).id
        must_be_usable(server, id, target)
        trash = server.trash(id)
        survey = await offload(
            survey_stored, server.catalogue, id, _trash(server, id), self._end.check
        )
        needed = survey.live.bytes + survey.trash.bytes
        rooms = (free_at(target, needed), spool_room(server, survey.live))
        with ExitStack() as opened:
            if not order.dry:
                into = await offload(self._open_target, server, id, target)
                opened.callback(into.close)
                losses = await offload(unfit, into.staging, server.catalogue, id, self._end.check)
                survey = survey._replace(losses=sorted([*survey.losses, *losses]))
                rooms = (rooms[0]._replace(needed=left(needed, used(target))), rooms[1])
            plan = Plan(space.name, "storage nodes", target, survey, 0, rooms)
            if (code := await self._agreed(order, plan, offload)) is not None:
                return code
            ids = dict(server.moves.roots())
            async with self._at_nodes(server, server.settings, ids) as store:
                await self._nodes_answer(store, id, None)
                source = StoredSource(server.catalogue, trash, ContentReads(store, id))
                await offload(MoveToFolder(source, into, self._end.goes_on, self._screen))
        self._switch(order, server, id, NewPlace(order.folder))
        left_behind(server, space, self._env, self._screen)
        return DONE

    @asynccontextmanager
    async def _at_nodes(
        self, server: StoppedServer, settings: ServerSettings, ids: dict[str, int]
    ) -> AsyncIterator[ContentStore]:
        """The store on nodes, which works meanwhile. Raises ProblemError: it cannot be opened."""
        storage = server.storage(settings, self._dialer, self._env)
        failed: ProblemError | None = None
        async with asyncio.TaskGroup() as tasks:
            store = await server.store(storage, settings.workspaces, ids, tasks)
            try:
                yield store
            except ProblemError as error:
                failed = error  # the group would wrap it
            finally:
                self._screen.end()
                await storage.rest()
                storage.close()
        if failed is not None:
            raise failed

    # -- what both need ----------------------------------------------------------------------------

    def _look_at_folder(self, source: MovingFolder) -> SurveyResult:
        folder = source.folder
        use = source.trash.ledger.totals()
        trash = Extent(use.files, use.bytes)
        return survey_folder(folder.store.root, folder.catalogue, folder.id, trash, self._end.check)

    def _open_target(self, server: StoppedServer, id: int, target: str) -> FolderStore:
        """The new folder, which gets the marker of this move. Raises ProblemError."""
        move = server.moves.begin(id, target, server.world.token())
        store = server.folder_store(target, "", token=lambda: move.marker)
        if store.marker != move.marker:
            store.close()
            raise ProblemError(not_empty(target))
        return store

    async def _agreed(self, order: MoveOrder, plan: Plan, offload: Offload) -> int | None:
        """Shows the plan; the exit code if nothing is to be done."""
        self._screen.plan(plan, whole=order.dry)
        if order.dry:
            self._screen.say("nothing was done")
            return DONE
        if plan.is_blocked:
            raise ProblemError(_blocked())
        if plan.survey.losses and not order.yes:
            answer = await offload(self._screen.ask, "Go on, and lose that?")
            if answer is None:
                self._screen.say("nothing was done: --yes goes on all the same")
            if not answer:
                return REFUSED
        return None

    async def _nodes_answer(self, store: ContentStore, id: int, patience: int | None) -> None:
        """Waits until enough nodes answer, so many seconds at most. Raises ProblemError."""
        said, waited = False, 0.0
        while (why := store.refusal(id)) is not None:
            self._end.check()
            if patience is not None and waited >= patience:
                return
            if waited >= ANSWER and not said:
                said = True
                self._screen.say(f"waits for storage nodes: {why.message}")
            await Wakeup().wait(POLL)
            waited += POLL

    def _switch(self, order: MoveOrder, server: StoppedServer, id: int, place: NewPlace) -> None:
        """Everything is there: the server's file says so, then the state. Raises ProblemError."""
        target = real_root(place.path) if place.path else stored_root(order.name)
        changed = settings_file.with_place(order.file, order.name, place, self._env)
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


def _trash(server: StoppedServer, id: int) -> Extent:
    use = server.ledger(id).totals()
    return Extent(use.files, use.bytes)


def _blocked() -> Problem:
    message = "it cannot be moved like this"
    return Problem(Code.UNSUPPORTED, message, hint="mend what is said above, then try again")
