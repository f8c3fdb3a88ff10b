"""What a workspace has left behind: it is told after a move, and removed when a person says so."""

import os
import shlex
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Final

from cargo_sync.config import places
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.server import WorkspaceSettings, load_server
from cargo_sync.config.stored import is_in_bucket, is_stored, real_root
from cargo_sync.migration import settings_file
from cargo_sync.migration.ending import WorkEnd
from cargo_sync.migration.parts import StoppedServer
from cargo_sync.migration.place import MoveOrder, place_words
from cargo_sync.migration.removal import OldFolder, leave_store
from cargo_sync.migration.rooms import used
from cargo_sync.migration.screen import Screen, size_of
from cargo_sync.migration.sending import SendTarget
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.workspace_moves import LeftBehind
from cargo_sync.stores.contract import ContentStore

DONE: Final = 0
FAILED: Final = 1
REFUSED: Final = 2


def left_behind(
    server: StoppedServer, space: WorkspaceSettings, env: Mapping[str, str], screen: Screen
) -> None:
    """Says what a workspace has left behind, how much it is, and how it is removed."""
    file = server.settings.file
    with suppress(ConfigError):  # whoever reads the file says why
        space = settings_file.workspace_of(load_server(file, env), space.name) or space
    id = server.moves.roots().get(real_root(space.path))
    found = [] if id is None else server.moves.left(id)
    if id is None or not found:
        return
    for one in found:
        size = server.rows(one.root).size(id) if is_stored(one.root) else used(one.root)
        screen.say(f"left behind: {_words(one)}, {size_of(size)}")
    config = "" if file == places.server_file(env) else f" --config {shlex.quote(file)}"
    name = shlex.quote(space.name)
    screen.say(f"to remove it: cargo_sync migrate {name} --remove-source{config}")


class LeftRemoval:
    """The removal of what one workspace has left behind."""

    def __init__(self, screen: Screen, env: Mapping[str, str], end: WorkEnd) -> None:
        self._screen = screen
        self._env = env
        self._end = end

    async def __call__(self, order: MoveOrder) -> int:
        """Removes it; returns the exit code.

        Raises:
            ConfigError: the server's file cannot be used.
            ProblemError: the server runs; `stopped`.
        """
        settings = load_server(order.file, self._env)
        space = settings_file.named(settings, order.name)
        with ExitStack() as last:
            server = StoppedServer(settings, last)
            id = server.catalogue.workspace(real_root(space.path), server.world.token).id
            found = server.moves.left(id)
            if not found:
                self._screen.say(f"{space.name} has left nothing behind")
                return DONE
            left_behind(server, space, self._env, self._screen)
            if order.dry:
                return DONE
            if not order.yes:
                answer = await server.world.offload(self._screen.ask, "Remove it for good?")
                if answer is None:
                    self._screen.say("nothing was done: --yes removes it")
                if not answer:
                    return REFUSED
            code = DONE
            for one in found:
                try:
                    await server.world.offload(self._remove, server, space, id, one)
                except ProblemError as error:
                    self._end.check()
                    self._screen.say(f"{_words(one)}: {error.problem}")
                    code = FAILED
            return code

    def _remove(
        self, server: StoppedServer, space: WorkspaceSettings, id: int, old: LeftBehind
    ) -> None:
        """Removes one of it. Raises ProblemError."""
        if is_stored(old.root):
            rows, now = server.rows(old.root), server.world.lived()
            count = leave_store(rows, id, now, self._end.check)
            self._screen.say(given_up(count, old.root))
            server.moves.removed(id, old.root)
        elif not os.path.lexists(old.root):
            self._screen.say(f"{old.root} is gone already")
            server.moves.removed(id, old.root)
        else:
            self._folder(server, space, id, old)

    def _folder(
        self, server: StoppedServer, space: WorkspaceSettings, id: int, old: LeftBehind
    ) -> None:
        if not is_stored(space.path):
            raise ProblemError(_in_another(space))
        rows = server.rows(space.path, space.copies or 0)
        if short := rows.short(id):
            raise ProblemError(_not_safe_yet(short, space.copies or 0))
        with ExitStack() as opened:
            store = server.folder_store(old.root, old.marker)
            opened.callback(store.close)
            goal = SendTarget(_NO_STORE, rows, id)
            removal = OldFolder(store, server.catalogue, goal, self._end.check)
            result = removal(lambda files, size: None)
        self._screen.removed(old.root, result)
        if not result.stays:
            server.moves.removed(id, old.root)
            try:
                os.rmdir(old.root)
            except OSError:
                self._screen.say(f"{old.root} itself stays")


_NO_STORE: ContentStore = None  # type: ignore[assignment]
"""What was left behind is compared with rows alone."""


def _words(old: LeftBehind) -> str:
    return f"contents {place_words(old.root)}" if is_stored(old.root) else old.root


def given_up(count: int, root: str) -> str:
    """What is said of contents that were given up in a store."""
    if not is_in_bucket(root):
        return f"{count:,} contents are given up: the nodes delete them, soon"
    return (
        f"{count:,} contents are given up: a server with another workspace in the same bucket "
        "deletes them after 14 days; if there is none, delete the bucket's folder by hand"
    )


def _in_another(space: WorkspaceSettings) -> Problem:
    message = f"{space.name} is in another folder now, so nothing says what is still needed here"
    return Problem(
        Code.UNSUPPORTED, message, hint="look there, and remove it yourself", retry=False
    )


def _not_safe_yet(short: int, copies: int) -> Problem:
    message = f"{short:,} contents have fewer than {copies} copies on nodes"
    hint = "start the server and wait: cargo_ctl node list says what is missing"
    return Problem(Code.BELOW_QUORUM, message, hint=hint)
