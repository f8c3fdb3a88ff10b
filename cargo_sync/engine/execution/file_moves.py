"""Renames of files in two-way jobs: after the survey, each side follows the other one.

What is gone from its path on one side, and is new at another path there, is renamed on the other
side: only if that side has it at the old path as agreed, and nothing at the new one. What else was
held back is planned again, from what the state says now, and copied.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from functools import partial

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.execution.direction import Direction
from cargo_sync.engine.execution.moving import PAGE
from cargo_sync.engine.execution.recognition import RenameSearch
from cargo_sync.engine.execution.renaming import parents
from cargo_sync.engine.planners.deferred import planned_steps
from cargo_sync.engine.planners.holding_files import HoldingFilesPlanner, only
from cargo_sync.model import paths
from cargo_sync.model.actions import Action
from cargo_sync.model.jobs import Mode
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.state.folders import FolderState
from cargo_sync.trees.contract import Tree


class FileMoves:
    """The renames of one run of a two-way job."""

    def __init__(
        self,
        context: RunContext,
        planner: HoldingFilesPlanner,
        sources: Mapping[Mode, Tree],
        missed: Subtrees,
    ) -> None:
        """Nothing is renamed yet.

        Args:
            context: of the run.
            planner: that held back what may have been renamed.
            sources: for each direction, the side where people rename something.
            missed: what the survey could not read.
        """
        self._memory = context.memory
        self._world = context.world
        self._planner = planner
        self._missed = missed
        self._searches = {
            direction: RenameSearch(context, planner, direction, source, missed)
            for direction, source in sources.items()
        }

    @property
    def pending(self) -> bool:
        """Whether something waited for the end of the survey."""
        return self._planner.held > 0

    async def pages(self, directions: Mapping[Mode, Direction]) -> AsyncIterator[list[FolderState]]:
        """Renames in both directions, then gives what must be planned again: parts of folders.

        Raises:
            ProblemError: a side cannot be reached.
        """
        self._planner.plain = True
        for mode, search in self._searches.items():
            direction = directions[mode]
            async for actions in self._held(mode):
                planned = await search.plan(actions)
                if await direction.rename(planned):
                    direction.deferred.still_true = search.still_true
                yield await self._parts(actions, planned.origins.keys())
        await self._drop()

    async def previewed(
        self, renames: Mapping[Mode, list[Action]]
    ) -> AsyncIterator[list[FolderState]]:
        """Finds the renames of a preview, and gives what must be planned again.

        Args:
            renames: gets the MOVE steps of each direction.
        """
        self._planner.plain = True
        taken = set()
        for mode, search in self._searches.items():
            async for actions in self._held(mode):
                planned = await search.plan([one for one in actions if one.source])
                for rename in planned.renames:
                    renames[mode].append(planned.action(rename))
                    taken |= {rename.path, rename.moved}
        for mode in self._searches:
            async for actions in self._held(mode):
                left = [one for one in actions if one.path not in taken]
                yield await self._parts(left, {one.path for one in left})
        await self._drop()

    def _held(self, mode: Mode) -> AsyncIterator[list[Action]]:
        return planned_steps(self._memory.planned, self._planner.run, mode, self._world.offload)

    async def _drop(self) -> None:
        drop = partial(self._memory.planned.drop, self._planner.run, 2 * PAGE)
        while await self._world.offload(drop):
            pass

    async def _parts(self, actions: Sequence[Action], agreed: Collection[str]) -> list[FolderState]:
        """The folders of these steps, with those of their names that can be planned again.

        Args:
            actions: held back.
            agreed: the paths that can, although something is agreed about them. What else became
                agreed in this run (a conflict copy) the survey has not seen on both sides.
        """
        found = []
        for folder, names in parents([one.path for one in actions]).items():
            if folder not in self._missed:
                known = {name for name in names if paths.join(folder, name) in agreed}
                found += await self._world.offload(self._only, folder, names, known)
        return found

    def _only(self, folder: str, names: set[str], known: set[str]) -> list[FolderState]:
        return [only(state, names, known) for state in self._memory.folders.parts(folder, names)]
