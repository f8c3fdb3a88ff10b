"""The command: looks, says what it would do, moves, switches, says what was left behind."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Final

from cargo_sync.config import places
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.fields import served_folder
from cargo_sync.config.server import ServerSettings, WorkspaceSettings, load_server
from cargo_sync.config.stored import is_stored, real_root, stored_root
from cargo_sync.local.lock import read_marker
from cargo_sync.local.root import Root
from cargo_sync.migration import settings_file
from cargo_sync.migration.parts import StoppedServer
from cargo_sync.migration.place import MoveOrder, Plan, Room, left, spool_needs
from cargo_sync.migration.placing import ContentReads
from cargo_sync.migration.removal import OldFolder, leave_nodes
from cargo_sync.migration.screen import Screen
from cargo_sync.migration.sending import stopped
from cargo_sync.migration.settings_file import NewPlace
from cargo_sync.migration.survey import Extent, SurveyResult, survey_folder, survey_stored, unfit
from cargo_sync.migration.to_folder import MoveToFolder, StoredSource
from cargo_sync.migration.to_nodes import MoveToNodes, MovingFolder
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.stopping import Stop
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.server.workspace.node_storage import SPOOL, Dialer
from cargo_sync.state.blob_owners import BlobOwners
from cargo_sync.state.workspace_moves import LeftBehind
from cargo_sync.stores.contract import ContentStore
from cargo_sync.stores.folder import FolderStore

DONE: Final = 0
REFUSED: Final = 2
POLL: Final = 0.2
ANSWER: Final = 15
"""Seconds for which a dry run waits for nodes to answer."""


class Migration:
    """One call of the command. `screen` shows it; `dialer` reaches nodes."""

    def __init__(self, screen: Screen, env: Mapping[str, str], dialer: Dialer) -> None:
        self._screen = screen
        self._env = env
        self._dialer = dialer
        self._ended = threading.Event()

    def end(self) -> None:
        """Ends the work soon; what is done stays. Any thread may call it."""
        self._ended.set()

    # -- moves -------------------------------------------------------------------------------------

    async def move(self, order: MoveOrder) -> int:
        """Moves a workspace; returns the exit code.

        Raises:
            ConfigError: the server's file cannot be used, or not be changed so.
            ProblemError: it cannot be moved; `stopped`.
        """
        settings = load_server(order.file, self._env)
        space = _named(settings, order.name)
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
        self._left_behind(server, space)
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
                    _spool(server, survey.live),
                )
                words = f"storage nodes, {order.copies} copies"
                plan = Plan(space.name, root, words, survey, there, rooms)
                if (code := await self._agreed(order, plan)) is not None:
                    return code
                server.moves.begin(id, target, "")
                goal = server.target(store, id, order.copies)
                await offload(MoveToNodes(source, goal, self._goes_on, self._screen))
        self._switch(order, server, id, NewPlace("", order.copies))
        if short := server.short(id, order.copies):
            text = f"{short:,} contents have fewer than {order.copies} copies yet"
            self._screen.say(f"{text}: the server makes the others when it runs")
        self._left_behind(server, space)
        return DONE

    async def _to_folder(
        self, order: MoveOrder, server: StoppedServer, space: WorkspaceSettings
    ) -> int:
        offload, target = server.world.offload, real_root(order.folder)
        id = server.catalogue.workspace(space.path, server.world.token).id
        _must_be_usable(server, id, target)
        trash = server.trash(id)
        survey = await offload(
            survey_stored, server.catalogue, id, _trash(server, id), self._must_go_on
        )
        needed = survey.live.bytes + survey.trash.bytes
        rooms = (_free_at(target, needed), _spool(server, survey.live))
        with ExitStack() as opened:
            if not order.dry:
                into = await offload(self._open_target, server, id, target)
                opened.callback(into.close)
                losses = await offload(unfit, into.staging, server.catalogue, id, self._must_go_on)
                survey = survey._replace(losses=sorted([*survey.losses, *losses]))
                rooms = (rooms[0]._replace(needed=left(needed, _used(target))), rooms[1])
            plan = Plan(space.name, "storage nodes", target, survey, 0, rooms)
            if (code := await self._agreed(order, plan)) is not None:
                return code
            ids = dict(server.moves.roots())
            async with self._at_nodes(server, server.settings, ids) as store:
                await self._nodes_answer(store, id, None)
                source = StoredSource(server.catalogue, trash, ContentReads(store, id))
                await offload(MoveToFolder(source, into, self._goes_on, self._screen))
        self._switch(order, server, id, NewPlace(order.folder))
        self._left_behind(server, space)
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
        return survey_folder(
            folder.store.root, folder.catalogue, folder.id, trash, self._must_go_on
        )

    def _open_target(self, server: StoppedServer, id: int, target: str) -> FolderStore:
        """The new folder, which gets the marker of this move. Raises ProblemError."""
        move = server.moves.begin(id, target, server.world.token())
        store = server.folder_store(target, "", token=lambda: move.marker)
        if store.marker != move.marker:
            store.close()
            raise ProblemError(_not_empty(target))
        return store

    async def _agreed(self, order: MoveOrder, plan: Plan) -> int | None:
        """Shows the plan; the exit code if nothing is to be done."""
        self._screen.plan(plan, whole=order.dry)
        if order.dry:
            self._screen.say("nothing was done")
            return DONE
        if plan.is_blocked:
            raise ProblemError(_blocked())
        if plan.survey.losses and not order.yes:
            answer = self._screen.ask("Go on, and lose that?")
            if answer is None:
                self._screen.say("nothing was done: --yes goes on all the same")
            if not answer:
                return REFUSED
        return None

    async def _nodes_answer(self, store: ContentStore, id: int, patience: int | None) -> None:
        """Waits until enough nodes answer, so many seconds at most. Raises ProblemError."""
        said, waited = False, 0.0
        while (why := store.refusal(id)) is not None:
            self._must_go_on()
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

    def _left_behind(self, server: StoppedServer, space: WorkspaceSettings) -> None:
        """Says what was left behind."""
        id = server.moves.roots().get(_root_now(server, space, self._env))
        if id is None:
            return
        for one in server.moves.left(id):
            size = server.on_nodes(id) if is_stored(one.root) else _used(one.root)
            where = "its contents on storage nodes" if is_stored(one.root) else one.root
            self._screen.say(f"left behind: {where}, {_mega(size)}; to remove it:")
            self._screen.say(f"  cargo_sync migrate {space.name} --remove-source")

    def _goes_on(self) -> bool:
        return not self._ended.is_set()

    def _must_go_on(self) -> None:
        if self._ended.is_set():
            raise stopped()

    # -- what was left behind ----------------------------------------------------------------------

    async def remove(self, order: MoveOrder) -> int:
        """Removes what a workspace left behind; returns the exit code.

        Raises:
            ConfigError: the server's file cannot be used.
            ProblemError: it cannot be removed now; `stopped`.
        """
        settings = load_server(order.file, self._env)
        space = _named(settings, order.name)
        with ExitStack() as last:
            server = StoppedServer(settings, last)
            id = server.catalogue.workspace(real_root(space.path), server.world.token).id
            found = server.moves.left(id)
            if not found:
                self._screen.say(f"{space.name} has left nothing behind")
                return DONE
            self._left_behind(server, space)
            if order.dry:
                return DONE
            if not order.yes:
                answer = self._screen.ask("Remove it for good?")
                if answer is None:
                    self._screen.say("nothing was done: --yes removes it")
                if not answer:
                    return REFUSED
            for one in found:
                work = partial(self._remove, server, space, id, one)
                await server.world.offload(work)
            return DONE

    def _remove(
        self, server: StoppedServer, space: WorkspaceSettings, id: int, old: LeftBehind
    ) -> None:
        if is_stored(old.root):
            owners = BlobOwners(server.database)
            now = server.world.lived()
            count = leave_nodes(owners.live, server.blobs, id, now, self._must_go_on)
            server.moves.removed(id, old.root)
            self._screen.say(f"{count:,} contents are given up: the nodes delete them, soon")
            return
        if space.copies is None:
            raise ProblemError(_in_another(space, old.root))
        if short := server.short(id, space.copies):
            raise ProblemError(_not_safe_yet(short, space.copies))
        if not os.path.lexists(old.root):
            server.moves.removed(id, old.root)
            self._screen.say(f"{old.root} is gone already")
            return
        with ExitStack() as opened:
            store = server.folder_store(old.root, old.marker)
            opened.callback(store.close)
            goal = server.target(_NO_STORE, id, space.copies)
            result = OldFolder(store, server.catalogue, goal, self._must_go_on)(
                lambda files, size: None
            )
        self._screen.removed(old.root, result)
        if not result.stays:
            server.moves.removed(id, old.root)
            try:
                os.rmdir(old.root)
            except OSError:
                self._screen.say(f"{old.root} itself stays")


_NO_STORE: ContentStore = None  # type: ignore[assignment]
"""What was left behind is compared with rows alone."""


async def run(migration: Migration, order: MoveOrder, *, remove: bool) -> int:
    """Runs the command until it is done or a signal ends it; returns the exit code."""
    stop = Stop()
    stop.on_signals(lambda: None)
    work = asyncio.ensure_future(migration.remove(order) if remove else migration.move(order))
    asked = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
        migration.end()
        return await work
    finally:
        asked.cancel()
        stop.rested()


def _named(settings: ServerSettings, name: str) -> WorkspaceSettings:
    found = settings_file.workspace_of(settings, name)
    if found is None:
        names = ", ".join(repr(one.name) for one in settings.workspaces) or "none"
        message = f"{settings.file} has no workspace {name!r}"
        hint = f"it has {names}; one that a command has made must be put into the file first"
        raise ProblemError(Problem(Code.UNKNOWN_WORKSPACE, message, hint=hint, retry=False))
    return found


def _root_now(server: StoppedServer, space: WorkspaceSettings, env: Mapping[str, str]) -> str:
    """Where the server's file says now that a workspace is."""
    try:
        now = settings_file.workspace_of(load_server(server.settings.file, env), space.name)
    except ConfigError:
        now = None
    return real_root((now or space).path)


def _trash(server: StoppedServer, id: int) -> Extent:
    use = server.ledger(id).totals()
    return Extent(use.files, use.bytes)


def _must_be_usable(server: StoppedServer, id: int, target: str) -> None:
    """The new folder is missing or empty, or this move has begun in it. Raises ProblemError."""
    try:
        served_folder(target)
        places.not_reserved(target)
    except ValueError as error:
        raise ProblemError(Problem(Code.ROOT_GONE, str(error), retry=False)) from error
    names = os.listdir(target) if os.path.isdir(target) else []
    if not names:
        return
    move = server.moves.of(id)
    root = Root.open(target)
    try:
        marker = read_marker(root)
    finally:
        root.close()
    # A kill may have come before the marker was written.
    is_bare = marker is None and names == [RESERVED]
    if move is None or move.target != target or not (is_bare or marker == move.marker):
        raise ProblemError(_not_empty(target))


def _free_at(target: str, needed: int) -> Room:
    place = target if os.path.isdir(target) else os.path.dirname(target)
    found = os.statvfs(place)
    return Room("the folder", needed, found.f_bavail * found.f_frsize)


def _spool(server: StoppedServer, live: Extent) -> Room:
    place = server.settings.state_dir
    found = os.statvfs(place)
    what = f"on the way, in {os.path.join(place, SPOOL)}"
    return Room(what, spool_needs(live), found.f_bavail * found.f_frsize)


def _used(folder: str) -> int:
    """Bytes of the files in a folder, as far as it can be read."""
    size = 0
    for above, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(above, name)).st_size
            except OSError:
                continue
    return size


def _mega(size: int) -> str:
    from rich.filesize import decimal

    return decimal(size)


def _blocked() -> Problem:
    message = "it cannot be moved like this"
    return Problem(Code.UNSUPPORTED, message, hint="mend what is said above, then try again")


def _not_empty(target: str) -> Problem:
    message = f"the folder {target!r} is not empty"
    hint = "name a new folder: its parent must exist"
    return Problem(Code.NOT_EMPTY, message, hint=hint, retry=False)


def _in_another(space: WorkspaceSettings, root: str) -> Problem:
    message = f"{space.name} is in a folder now, so nobody can say what of {root!r} is still needed"
    return Problem(
        Code.UNSUPPORTED, message, hint="look there, and remove it yourself", retry=False
    )


def _not_safe_yet(short: int, copies: int) -> Problem:
    message = f"{short:,} contents have fewer than {copies} copies on nodes"
    hint = "start the server and wait: cargo_ctl node list says what is missing"
    return Problem(Code.BELOW_QUORUM, message, hint=hint)
