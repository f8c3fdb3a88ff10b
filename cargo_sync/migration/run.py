"""A move: looks, says what it would do, moves, switches, says what was left behind."""

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from cargo_sync.config.server import ServerSettings, WorkspaceSettings, load_server
from cargo_sync.config.stored import is_in_bucket, is_stored, real_root
from cargo_sync.local.root import Root
from cargo_sync.migration import settings_file
from cargo_sync.migration.ahead import MoveAhead, SentAhead
from cargo_sync.migration.ending import WorkEnd
from cargo_sync.migration.leaving import DONE, REFUSED, left_behind
from cargo_sync.migration.parts import MovingState, RunningServer, StoppedServer
from cargo_sync.migration.place import MoveOrder, Plan, Room, left, place_words, store_words
from cargo_sync.migration.placing import ContentReads
from cargo_sync.migration.rooms import free_at, must_be_usable, not_empty, spool_room, used
from cargo_sync.migration.screen import Screen
from cargo_sync.migration.sending import SendTarget
from cargo_sync.migration.settings_file import ChangedFile, NewPlace
from cargo_sync.migration.stores import StoreAccess, StoreWork, open_store
from cargo_sync.migration.survey import Extent, survey_folder, survey_stored, unfit
from cargo_sync.migration.to_folder import MoveToFolder, StoredSource
from cargo_sync.migration.to_nodes import MoveToNodes
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.stopping import Stop
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.opening import open_server_state
from cargo_sync.stores.contract import ContentStore
from cargo_sync.stores.folder import FolderStore

POLL: Final = 0.2
ANSWER: Final = 15
"""Seconds for which a dry run waits for nodes or a bucket to answer."""
FEW: Final = 100
"""So many files that were sent in a round are changes of the moment."""
AGAIN: Final = 30.0
"""Seconds from one round to the next, while the server is served as before."""


class Migration:
    """One move. `screen` shows it; `reach` says how stores are reached; `end` may end it early."""

    def __init__(self, screen: Screen, reach: StoreAccess, end: WorkEnd) -> None:
        self._screen = screen
        self._reach = reach
        self._end = end

    # -- moves -------------------------------------------------------------------------------------

    async def move(self, order: MoveOrder) -> int:
        """Moves a workspace; returns the exit code.

        Raises:
            ConfigError: the server's file cannot be used, or not be changed so.
            ProblemError: it cannot be moved; `stopped`.
        """
        settings = load_server(order.file, self._reach.env)
        space = settings_file.named(settings, order.name)
        changed = self._changed(order)
        wanted = settings_file.named(changed.settings, order.name)
        if is_stored(space.path) and is_stored(wanted.path) and space.path != wanted.path:
            raise ProblemError(_by_a_folder(space))
        with ExitStack() as last:
            server = self._stopped(settings, last, (space, wanted), order)
            if server is None:
                code = await self._ahead(order, (space, wanted), settings, changed.settings)
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
        left_behind(server, space, self._reach.env, self._screen)
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
            async with open_store(server, work, self._reach, self._screen.end) as store:
                root = source.folder.store.root
                plan = await self._plan_to_store(order, server, (space, wanted), (id, root), store)
                if (code := await self._agreed(order, plan, offload)) is not None:
                    return code
                server.moves.begin(id, wanted.path, "")
                goal = SendTarget(store, rows, id)
                await offload(MoveToNodes(source, goal, self._end.goes_on, self._screen))
        self._switch(order, server, id)
        if short := rows.short(id):
            text = f"{short:,} contents have fewer than {order.copies} copies yet"
            self._screen.say(f"{text}: the server makes the others when it runs")
        left_behind(server, space, self._reach.env, self._screen)
        return DONE

    async def _plan_to_store(
        self,
        order: MoveOrder,
        server: MovingState,
        spaces: tuple[WorkspaceSettings, WorkspaceSettings],
        source: tuple[int, Root],
        store: ContentStore,
    ) -> Plan:
        """What a move of a workspace with this id and folder would do."""
        (space, wanted), (id, root) = spaces, source
        survey = await server.world.offload(
            survey_folder, root, server.catalogue, id, _trash(server, id), self._end.check
        )
        await self._store_answers(store, id, ANSWER if order.dry else None)
        words, there = store_words(wanted.path), server.rows(wanted.path).size(id)
        all_of_it = survey.live.bytes + survey.trash.bytes
        rooms = (
            Room(f"the {words.removeprefix('a ')}", left(all_of_it, there), store.room(id)),
            spool_room(server, survey.live, is_in_bucket(wanted.path)),
        )
        target = words if wanted.copies is None else f"{words}, {wanted.copies} copies"
        return Plan(space.name, real_root(space.path), target, survey, there, rooms)

    async def _to_folder(
        self, order: MoveOrder, server: StoppedServer, space: WorkspaceSettings
    ) -> int:
        offload = server.world.offload
        id = server.catalogue.workspace(space.path, server.world.token).id
        with ExitStack() as opened:
            plan, into = await self._plan_to_folder(order, server, space, id, opened)
            if (code := await self._agreed(order, plan, offload)) is not None:
                return code
            assert into is not None, "it is no dry run"
            work = StoreWork(server.settings, id, space)
            async with open_store(server, work, self._reach, self._screen.end) as store:
                await self._store_answers(store, id, None)
                source = StoredSource(server.catalogue, server.trash(id), ContentReads(store, id))
                await offload(MoveToFolder(source, into, self._end.goes_on, self._screen))
        self._switch(order, server, id)
        left_behind(server, space, self._reach.env, self._screen)
        return DONE

    async def _plan_to_folder(
        self,
        order: MoveOrder,
        server: MovingState,
        space: WorkspaceSettings,
        id: int,
        opened: ExitStack,
    ) -> tuple[Plan, FolderStore | None]:
        """What a move would do; and the new folder, open until `opened` closes it, or None."""
        offload, target = server.world.offload, real_root(order.folder)
        must_be_usable(server, id, target)
        survey = await offload(
            survey_stored, server.catalogue, id, _trash(server, id), self._end.check
        )
        needed = survey.live.bytes + survey.trash.bytes
        room, into = free_at(target, needed), None
        if not order.dry:
            into = await offload(self._open_target, server, id, target)
            opened.callback(into.close)
            losses = await offload(unfit, into.staging, server.catalogue, id, self._end.check)
            survey = survey._replace(losses=sorted([*survey.losses, *losses]))
            room = room._replace(needed=left(needed, used(target)))
        rooms = (room, spool_room(server, survey.live, is_in_bucket(space.path)))
        words = store_words(space.path)
        return Plan(space.name, words, target, survey, 0, rooms), into

    # -- ahead -------------------------------------------------------------------------------------

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

    async def _ahead(
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
                plan, into = await self._plan_to_folder(order, server, space, id, opened)
                assert into is not None, "it is no dry run"
                code = await self._agreed(order, plan, offload, quiet=quiet)
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
            async with open_store(server, work, self._reach, self._screen.end) as store:
                await self._store_answers(store, id, None)
                if not order.folder:
                    plan = await self._plan_to_store(order, server, spaces, (id, folder), store)
                    code = await self._agreed(order, plan, offload, quiet=quiet)
                    if code is not None:
                        return code
                    server.moves.begin(id, wanted.path, "")
                return await offload(moving, store)

    # -- what both need ----------------------------------------------------------------------------

    def _open_target(self, server: MovingState, id: int, target: str) -> FolderStore:
        """The new folder, which gets the marker of this move. Raises ProblemError."""
        move = server.moves.begin(id, target, server.world.token())
        store = server.folder_store(target, "", token=lambda: move.marker)
        if store.marker != move.marker:
            store.close()
            raise ProblemError(not_empty(target))
        return store

    async def _agreed(
        self, order: MoveOrder, plan: Plan, offload: Offload, *, quiet: bool = False
    ) -> int | None:
        """Shows the plan, unless `quiet`; the exit code if nothing is to be done."""
        if not quiet:
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

    async def _store_answers(self, store: ContentStore, id: int, patience: int | None) -> None:
        """Waits until the store can be used, so many seconds at most. Raises ProblemError."""
        said, waited = False, 0.0
        while (why := store.refusal(id)) is not None:
            self._end.check()
            if patience is not None and waited >= patience:
                return
            if waited >= ANSWER and not said:
                said = True
                self._screen.say(f"waits for the store: {why.message}")
            await Wakeup().wait(POLL)
            waited += POLL

    def _changed(self, order: MoveOrder) -> ChangedFile:
        """The server's file with the new place. Raises ConfigError."""
        store = settings_file.store_in(order.bucket) if order.bucket else None
        place = NewPlace(order.folder, order.copies, store)
        return settings_file.with_place(order.file, order.name, place, self._reach.env)

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


def _runs(settings: ServerSettings) -> bool:
    """Whether a server has the state. Raises ProblemError: it cannot be used."""
    try:
        open_server_state(settings.state_dir, settings.database, alone=True).close()
    except ProblemError as error:
        if error.problem.code is not Code.STATE_IN_USE:
            raise
        return True
    return False


def _trash(server: MovingState, id: int) -> Extent:
    use = server.ledger(id).totals()
    return Extent(use.files, use.bytes)


def _blocked() -> Problem:
    message = "it cannot be moved like this"
    return Problem(Code.UNSUPPORTED, message, hint="mend what is said above, then try again")


def _by_a_folder(space: WorkspaceSettings) -> Problem:
    message = f"{space.name} is {place_words(space.path)}, and cannot go to another store directly"
    hint = "move it to a folder first, and from there"
    return Problem(Code.UNSUPPORTED, message, hint=hint, retry=False)


def _never_served(space: WorkspaceSettings) -> Problem:
    message = f"the server has not served {space.name} yet: nothing is known of it"
    hint = "`cargo_ctl reload --server`, or stop the server"
    return Problem(Code.UNKNOWN_WORKSPACE, message, hint=hint)
