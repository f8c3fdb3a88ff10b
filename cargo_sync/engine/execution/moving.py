"""Renames instead of copies: after the survey, what was held back is looked at as a whole.

Theory. A round takes what was held back, finds where each of it was agreed to be, and renames it at
the destination if it is gone there at the source, is proven to be the same, and the destination
holds it as agreed. Then all of these names are planned again, from what the state says now: what
was renamed needs nothing more, and the others are copied. Below folders that were held back, things
may have been held back again: these are the next round. At last, what is still gone is planned.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.execution.direction import Direction
from cargo_sync.engine.execution.recognition import RenameSearch
from cargo_sync.engine.execution.renaming import parents
from cargo_sync.engine.planners.holding import HoldingPlanner
from cargo_sync.model.actions import Action
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.jobs import Mode
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.state.folders import Folders, FolderState
from cargo_sync.trees.contract import Tree

PAGE: Final = 1_000
"""Names that are looked at together."""
FOLDERS: Final = 100
"""Folders that are planned together."""


class Moves:
    """The renames of one run of a one-way job."""

    def __init__(
        self,
        context: RunContext,
        planner: HoldingPlanner,
        direction: Mode,
        source: Tree,
        missed: Subtrees,
    ) -> None:
        """Nothing is renamed yet.

        Args:
            context: of the run.
            planner: that held back what may have been renamed.
            direction: UPLOAD or DOWNLOAD.
            source: the side where people renamed something.
            missed: what the survey could not read.
        """
        self._memory = context.memory
        self._world = context.world
        self._planner = planner
        self._direction = direction
        self._upload = direction is Mode.UPLOAD
        self._missed = missed
        self._search = RenameSearch(context, planner, direction, source, missed)

    @property
    def pending(self) -> bool:
        """Whether something waited for the end of the survey."""
        return self._planner.held > 0 or self._planner.gone

    async def pages(self, directions: Mapping[Mode, Direction]) -> AsyncIterator[list[FolderState]]:
        """Renames, and gives the folders that must be planned then, in an order that works.

        The planner is told which of their names count.

        Raises:
            ProblemError: a side cannot be reached.
        """
        direction = directions[self._direction]
        while self._planner.held:
            held = self._planner.next_round()
            async for actions in self._held(held):
                if await direction.rename(await self._search.plan(actions)):
                    direction.deferred.still_true = self._search.still_true
            async for page in self._again(held):
                yield page
            while await self._world.offload(self._memory.planned.drop, held, 2 * PAGE):
                pass
        if self._planner.gone:
            async for page in self._gone():
                yield page

    # -- what is planned then ----------------------------------------------------------------------

    async def _held(self, run: str) -> AsyncIterator[list[Action]]:
        mark = 0
        planned, offload = self._memory.planned, self._world.offload
        while (page := await offload(planned.page, run, mark, PAGE, self._direction)) and (
            page.actions
        ):
            mark = page.actions[-1].number
            yield [one.action for one in page.actions]

    async def _again(self, held: str) -> AsyncIterator[list[FolderState]]:
        """What was held back, and what is below it; then what renames left at their sources."""
        async for actions in self._held(held):
            async for page in self._names([action.path for action in actions]):
                yield page
            for action in actions:
                if action.source is not None and action.source.kind == FOLDER:
                    async for page in self._below(action.path):
                        yield page
        async for page in self._names(await self._world.offload(self._search.emptied)):
            yield page

    async def _names(self, some: Sequence[str]) -> AsyncIterator[list[FolderState]]:
        for folder, names in parents(some).items():
            states = await self._world.offload(_parts, self._memory.folders, folder, names)
            self._planner.only = {folder: names}
            yield states
        self._planner.only = None

    async def _below(self, top: str) -> AsyncIterator[list[FolderState]]:
        below = self._memory.folders.below(top)
        while page := await self._world.offload(_next, below):
            if known := [one for one in page if one.path not in self._missed]:
                yield known

    async def _gone(self) -> AsyncIterator[list[FolderState]]:
        """The folders that are gone at the source, as they are now."""
        self._planner.plain = True
        after: bytes | None = None
        folders, near = self._memory.folders, self._upload
        while page := await self._world.offload(_gone_page, folders, after, near):
            after = page[-1].key
            if known := [one for one in page if one.path not in self._missed]:
                yield known
        self._planner.plain = False

    # -- a preview ---------------------------------------------------------------------------------

    async def previewed(
        self, renames: Mapping[Mode, list[Action]]
    ) -> AsyncIterator[list[FolderState]]:
        """The folders of a preview that must be planned after the survey.

        Args:
            renames: gets the MOVE steps; what is below moved folders is not planned.
        """
        if not self._planner.held and not self._planner.gone:
            return
        held, sources, targets = self._planner.next_round(), Subtrees(), Subtrees()
        self._planner.plain = True
        async for actions in self._held(held):
            planned = await self._search.plan(actions)
            for rename in planned.renames:
                renames[self._direction].append(planned.action(rename))
                sources.add(rename.moved)
                targets.add(rename.path)
            left = [one for one in actions if one.path not in targets and one.path not in sources]
            async for page in self._names([one.path for one in left]):
                yield page
            for action in left:
                if action.source is not None and action.source.kind == FOLDER:
                    async for page in self._below(action.path):
                        yield page
        async for page in self._gone():
            if known := [one for one in page if one.path not in sources]:
                yield known


def _parts(folders: Folders, folder: str, names: set[str]) -> list[FolderState]:
    return list(folders.parts(folder, names))


def _next(below: Iterator[FolderState]) -> list[FolderState]:
    return list(islice(below, FOLDERS))


def _gone_page(folders: Folders, after: bytes | None, near: bool) -> list[FolderState]:
    return folders.gone(after, FOLDERS, near=near)
