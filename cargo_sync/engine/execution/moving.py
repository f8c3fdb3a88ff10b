"""Renames instead of copies: after the survey, what was held back is looked at as a whole.

Theory. A round takes what was held back, finds where each of it was agreed to be, and renames it at
the destination if it is gone there at the source, is proven to be the same, and the destination
has it still. In a two-way job each side follows the other one; what both have moved apart goes
where the server has it. Then all of these names are planned again, from what the state says now:
what was renamed needs nothing more, and the others are copied or deleted. Below folders that were
held back, things may have been held back again: these are the next round.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Final, NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.execution.direction import Direction
from cargo_sync.engine.execution.moved_apart import MovedApart
from cargo_sync.engine.execution.recognition import RenameSearch
from cargo_sync.engine.execution.renaming import parents
from cargo_sync.engine.planners.deferred import planned_steps
from cargo_sync.engine.planners.holding import HoldingPlanner, narrowed
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import GONE, ONE_SIDED, AgreedColumns
from cargo_sync.model.entries import FOLDER, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.state.folders import FolderState
from cargo_sync.trees.contract import Tree

PAGE: Final = 1_000
"""Names that are looked at together."""
FOLDERS: Final = 100
"""Folders that are planned together."""


class Moves:
    """The renames of one run."""

    def __init__(
        self,
        context: RunContext,
        planner: HoldingPlanner,
        sources: Mapping[Mode, Tree],
        missed: Subtrees,
    ) -> None:
        """Nothing is renamed yet.

        Args:
            context: of the run.
            planner: that held back what may have been renamed.
            sources: for each direction, the side where people renamed something.
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
        self._apart = MovedApart(context, sources[Mode.UPLOAD]) if len(sources) > 1 else None

    @property
    def pending(self) -> bool:
        """Whether something waits for a round."""
        return self._planner.held > 0

    async def pages(self, directions: Mapping[Mode, Direction]) -> AsyncIterator[list[FolderState]]:
        """One round: renames, then gives what must be planned again.

        Raises:
            ProblemError: a side cannot be reached.
        """
        held = self._planner.next_round()
        for mode in self._searches:
            await self._rename(held, directions[mode])
        for mode in self._searches:
            async for actions in self._held(held, mode):
                async for page in self._again(actions, mode):
                    yield page
        for search in self._searches.values():
            left = await self._world.offload(search.emptied)
            async for page in self._names(left):
                yield page
            async for page in self._below(left, plain=True):
                yield page
        while await self._world.offload(self._memory.planned.drop, held, 2 * PAGE):
            pass

    async def _rename(self, held: str, direction: Direction) -> None:
        """The renames of one direction."""
        search = self._searches[direction.mode]
        async for actions in self._held(held, direction.mode):
            if self._apart is not None and direction.mode is Mode.DOWNLOAD:
                await self._apart(actions, partial(self._held, held, Mode.UPLOAD))
            if await direction.rename(await search.plan(actions)):
                direction.deferred.still_true = search.still_true

    async def previewed(
        self, renames: Mapping[Mode, list[Action]]
    ) -> AsyncIterator[list[FolderState]]:
        """Finds the renames of a preview, and gives what must be planned after the survey.

        Args:
            renames: gets the MOVE steps of each direction; what is below moved folders is not
                planned.
        """
        if not self.pending:
            return
        held, moved = self._planner.next_round(), Subtrees()
        self._planner.plain = True
        for mode, search in self._searches.items():
            async for actions in self._held(held, mode):
                planned = await search.plan(actions)
                for rename in planned.renames:
                    renames[mode].append(planned.action(rename))
                    moved.add(rename.moved)
                    moved.add(rename.path)
        for mode in self._searches:
            async for actions in self._held(held, mode):
                left = [one for one in actions if one.path not in moved]
                async for page in self._again(left, mode):
                    if known := [one for one in page if one.path not in moved]:
                        yield known

    # -- what is planned again ---------------------------------------------------------------------

    def _held(self, run: str, mode: Mode) -> AsyncIterator[list[Action]]:
        planned, offload = self._memory.planned, self._world.offload
        return planned_steps(planned, run, mode, offload)

    async def _again(
        self, actions: Sequence[Action], direction: Mode
    ) -> AsyncIterator[list[FolderState]]:
        """Steps of one direction that were held back, and what is below their folders."""
        new = _New(direction is Mode.UPLOAD, {one.path for one in actions if _is_new(one)})
        async for page in self._names([one.path for one in actions], new):
            yield page
        for plain in (False, True):
            tops = [one.path for one in actions if _has_folder(one) and _only_goes(one) is plain]
            async for page in self._below(tops, plain=plain):
                yield page

    async def _names(
        self, some: Sequence[str], new: "_New | None" = None
    ) -> AsyncIterator[list[FolderState]]:
        self._planner.narrowed = True
        for folder, names in parents(some).items():
            if folder not in self._missed:
                states = await self._world.offload(self._narrowed, folder, names, new)
                if states:
                    yield states
        self._planner.narrowed = False

    def _narrowed(self, folder: str, names: set[str], new: "_New | None") -> list[FolderState]:
        return [
            narrowed(state, names - new.brought(state) if new else names)
            for state in self._memory.folders.parts(folder, names)
        ]

    async def _below(self, tops: Iterable[str], *, plain: bool) -> AsyncIterator[list[FolderState]]:
        before, self._planner.plain = self._planner.plain, plain or self._planner.plain
        below = chain.from_iterable(map(self._memory.folders.below, tops))
        while page := await self._world.offload(_next, below):
            if known := [one for one in page if one.path not in self._missed]:
                yield known
        self._planner.plain = before


class _New(NamedTuple):
    """Held back steps whose `paths` were free at the destination; `near`: the source is near."""

    near: bool
    paths: Collection[str]

    def brought(self, state: FolderState) -> set[str]:
        """The names of a folder to which this run has brought something in the meantime.

        They are agreed, and the destination was not seen with them yet: to plan them now would look
        as if it had lost them. What it has lost earlier is planned again: the agreement says so
        (GONE, ONE_SIDED), or is not about what the source has now.
        """
        if not self.paths or state.agreed is None:
            return set()
        near, far = state.sides
        source, destination = (near, far) if self.near else (far, near)
        there = set(destination.names) if destination else ()
        now = _versions(source) if source else {}
        ours = _agreed(state.agreed, near=self.near)
        theirs = _agreed(state.agreed, near=not self.near)
        return {
            name
            for name, our, (their, _) in zip(state.agreed.names, ours, theirs, strict=True)
            if name not in there
            and now.get(name, our) == our
            and their not in (GONE, ONE_SIDED)
            and paths.join(state.path, name) in self.paths
        }


def _is_new(action: Action) -> bool:
    return action.op in (Op.PUT, Op.MKDIR) and action.expected is None


def _versions(seen: EntryColumns) -> dict[str, tuple[int, int]]:
    """Version and ident by name."""
    return dict(zip(seen.names, zip(seen.versions, seen.idents, strict=True), strict=True))


def _agreed(agreed: AgreedColumns, *, near: bool) -> Iterator[tuple[int, int]]:
    """Version and ident of one side."""
    if near:
        return zip(agreed.near_versions, agreed.near_idents, strict=True)
    return zip(agreed.far_versions, agreed.far_idents, strict=True)


def _has_folder(action: Action) -> bool:
    """Whether something may be below its path."""
    kinds = {entry.kind for entry in (action.source, action.expected) if entry}
    return FOLDER in kinds or action.op is Op.FORGET


def _only_goes(action: Action) -> bool:
    """Whether what is below its path is only deleted or forgotten."""
    return action.source is None or action.source.kind != FOLDER


def _next(below: Iterator[FolderState]) -> list[FolderState]:
    return list(islice(below, FOLDERS))
