"""What a move would do: looked for, shown, and agreed to."""

from contextlib import ExitStack
from typing import Final

from cargo_sync.config.server import WorkspaceSettings
from cargo_sync.config.stored import is_in_bucket, real_root
from cargo_sync.local.root import Root
from cargo_sync.migration.ending import WorkEnd
from cargo_sync.migration.leaving import DONE, REFUSED
from cargo_sync.migration.parts import MovingState
from cargo_sync.migration.place import MoveOrder, Plan, Room, left, store_words
from cargo_sync.migration.rooms import free_at, must_be_usable, not_empty, spool_room, used
from cargo_sync.migration.screen import Screen
from cargo_sync.migration.survey import Extent, survey_folder, survey_stored, unfit
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.stores.contract import ContentStore
from cargo_sync.stores.folder import FolderStore

POLL: Final = 0.2
ANSWER: Final = 15
"""Seconds for which a dry run waits for nodes or a bucket to answer."""


class MovePlanning:
    """Plans of moves. `screen` shows them; `end` may end the work early."""

    def __init__(self, screen: Screen, end: WorkEnd) -> None:
        self._screen = screen
        self._end = end

    async def to_store(
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
        await self.store_answers(store, id, ANSWER if order.dry else None)
        words, there = store_words(wanted.path), server.rows(wanted.path).size(id)
        all_of_it = survey.live.bytes + survey.trash.bytes
        rooms = (
            Room(f"the {words.removeprefix('a ')}", left(all_of_it, there), store.room(id)),
            spool_room(server, survey.live, is_in_bucket(wanted.path)),
        )
        target = words if wanted.copies is None else f"{words}, {wanted.copies} copies"
        return Plan(space.name, real_root(space.path), target, survey, there, rooms)

    async def to_folder(
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

    async def agreed(
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

    async def store_answers(self, store: ContentStore, id: int, patience: int | None) -> None:
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

    def _open_target(self, server: MovingState, id: int, target: str) -> FolderStore:
        """The new folder, which gets the marker of this move. Raises ProblemError."""
        move = server.moves.begin(id, target, server.world.token())
        store = server.folder_store(target, "", token=lambda: move.marker)
        if store.marker != move.marker:
            store.close()
            raise ProblemError(not_empty(target))
        return store


def _trash(server: MovingState, id: int) -> Extent:
    use = server.ledger(id).totals()
    return Extent(use.files, use.bytes)


def _blocked() -> Problem:
    message = "it cannot be moved like this"
    return Problem(Code.UNSUPPORTED, message, hint="mend what is said above, then try again")
