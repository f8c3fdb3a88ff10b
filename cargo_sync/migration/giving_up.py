"""A move that has begun and not ended is given up: the workspace stays where it is."""

from collections.abc import Mapping
from contextlib import ExitStack

from cargo_sync.config.server import WorkspaceSettings, load_server
from cargo_sync.config.stored import is_stored, real_root
from cargo_sync.migration import settings_file
from cargo_sync.migration.ending import WorkEnd
from cargo_sync.migration.leaving import DONE, REFUSED, given_up, left_behind
from cargo_sync.migration.parts import StoppedServer
from cargo_sync.migration.place import MoveOrder, place_words, store_words
from cargo_sync.migration.removal import leave_store
from cargo_sync.migration.rooms import used
from cargo_sync.migration.screen import Screen, size_of
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.workspace_moves import WorkspaceMove


class GivingUp:
    """Gives up the move of one workspace. What came to a store is deleted there.

    A new folder is left behind, as an old one is after a move: `LeftRemoval` removes of it what the
    store has.
    """

    def __init__(self, screen: Screen, env: Mapping[str, str], end: WorkEnd) -> None:
        self._screen = screen
        self._env = env
        self._end = end

    async def __call__(self, order: MoveOrder) -> int:
        """Gives it up; returns the exit code. It may be done again.

        Raises:
            ConfigError: the server's file cannot be used.
            ProblemError: the server runs; its file names the new place already; `stopped`.
        """
        settings = load_server(order.file, self._env)
        space = settings_file.named(settings, order.name)
        with ExitStack() as last:
            server = StoppedServer(settings, last)
            move = _move_of(server, space)
            if move is None:
                self._screen.say(f"no move of {space.name} has begun: there is nothing to give up")
                return DONE
            self._screen.say(f"{space.name} stays {place_words(move.source)}")
            self._screen.say(f"given up: what was brought {_amount(server, move)}")
            if order.dry:
                self._screen.say("nothing was done")
                return DONE
            if not order.yes:
                answer = await server.world.offload(self._screen.ask, "Give it up?")
                if answer is None:
                    self._screen.say("nothing was done: --yes gives it up")
                if not answer:
                    return REFUSED
            await server.world.offload(self._give_up, server, move)
            left_behind(server, space, self._env, self._screen)
            return DONE

    def _give_up(self, server: StoppedServer, move: WorkspaceMove) -> None:
        """The row goes last: until then it can be given up again. Raises ProblemError."""
        if is_stored(move.target):
            rows, now = server.rows(move.target), server.world.lived()
            count = leave_store(rows, move.workspace, now, self._end.check)
            self._screen.say(given_up(count, move.target))
        server.moves.give_up(move.workspace)


def _move_of(server: StoppedServer, space: WorkspaceSettings) -> WorkspaceMove | None:
    """The move of a workspace that its file has at the old place. Raises ProblemError."""
    root, roots = real_root(space.path), server.moves.roots()
    if root in roots:
        return server.moves.of(roots[root])
    moves = [move for id in roots.values() if (move := server.moves.of(id)) is not None]
    for move in moves:
        if move.target == root:
            raise ProblemError(_named_already(space, move))
    return None


def _amount(server: StoppedServer, move: WorkspaceMove) -> str:
    if is_stored(move.target):
        size = server.rows(move.target).size(move.workspace)
        return f"to {store_words(move.target)}, {size_of(size)}"
    return f"to {move.target}, {size_of(used(move.target))}"


def _named_already(space: WorkspaceSettings, move: WorkspaceMove) -> Problem:
    message = f"the server's file has {space.name} at the new place already"
    hint = f"to give the move up, first put its old place back there: {place_words(move.source)}"
    return Problem(Code.UNSUPPORTED, message, hint=hint, retry=False)
