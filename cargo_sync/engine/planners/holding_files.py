"""Holds back files of a two-way job that may have been renamed, until the survey's end.

A file that only one side has, and that had another path when both sides last agreed on it, may have
been renamed there; whether it is gone from that path, the survey may see later. So its step waits
on disk. Nothing else waits: renamed folders are made anew, and their files are renamed into them.

Only jobs that repeat deletions rename: in the others a file comes back to its old path.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.planners.contract import PlannedFolder
from cargo_sync.engine.planners.holding import candidates, without
from cargo_sync.engine.planners.two_way import TwoWayPlanner
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import AgreedColumns
from cargo_sync.model.entries import FILE, EntryColumns
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.plan.moves import is_worth_it
from cargo_sync.plan.one_way import JobView
from cargo_sync.state.folders import FolderState

_MINE: Final = "files that may be renamed"


class HoldingFilesPlanner:
    """A two-way planner that holds back steps.

    held   how many
    plain  nothing is held back any more; the folders are parts, and not settled by their plans
    """

    def __init__(self, context: RunContext, inner: TwoWayPlanner) -> None:
        self._inner = inner
        self._memory = context.memory
        self._world = context.world
        self._report = context.report
        self._active: bool | None = None if context.rules.propagate else False
        self._preview = False
        self.held = 0
        self.plain = False

    @property
    def run(self) -> str:
        """Under which the steps are on disk."""
        return f"{self._report.run} {_MINE}"

    def begin(self, *, preview: bool = False) -> None:
        self._preview = preview
        self._inner.begin(preview=preview)

    def view(self, direction: Mode) -> JobView:
        return self._inner.view(direction)

    async def plan(self, page: Sequence[FolderState], *, final: bool) -> list[PlannedFolder]:
        if self._active is None:
            self._active = await self._world.offload(self._memory.folders.knows_idents)
        planned = await self._inner.plan(page, final=final)
        if final or not self._active:
            return planned
        if self.plain:
            return [replace(folder, held=1) for folder in planned]
        for direction in DIRECTIONS:
            planned = await self._hold(planned, direction)
        return planned

    async def _hold(self, planned: Sequence[PlannedFolder], direction: Mode) -> list[PlannedFolder]:
        steps = [list(self._candidates(folder, direction)) for folder in planned]
        some = list(chain.from_iterable(steps))
        held = await self._world.offload(self._suspicious, some, direction) if some else set()
        if not held:
            return list(planned)
        await self._keep([one for one in some if one.path in held], direction)
        found = []
        for folder, own in zip(planned, steps, strict=True):
            mine = held.intersection(one.path for one in own)
            if mine:
                ways = {**folder.ways, direction: without(folder.ways[direction], mine)}
                folder = replace(folder, ways=ways, held=folder.held + len(mine))
            found.append(folder)
        return found

    def _candidates(self, folder: PlannedFolder, direction: Mode) -> Iterator[Action]:
        """The steps that may be renames instead; in a preview, also deletions: they may be too."""
        plan = folder.ways.get(direction)
        if plan is None:
            return
        some = [one.action for one in candidates(folder.state, plan, near=direction is Mode.UPLOAD)]
        agreed = folder.state.agreed if some else None
        known = set(agreed.names) if agreed else set()
        for action in some:
            source = action.source
            is_new = action.expected is None and paths.name(action.path) not in known
            if is_new and source is not None and source.kind == FILE:
                yield action
        for action in plan.later if self._preview else ():
            there = action.expected
            if action.op is Op.DELETE and there is not None and is_worth_it(there.kind, there.size):
                yield action

    def _suspicious(self, some: Sequence[Action], direction: Mode) -> set[str]:
        """The paths of what was agreed to be at another path, and of deletions."""
        idents = {one.source.ident: None for one in some if one.source}
        near = direction is Mode.UPLOAD
        places = self._memory.folders.places(list(idents), near=near) if idents else {}
        return {
            one.path
            for one in some
            if one.source is None
            or any(place != one.path for place in places.get(one.source.ident, ()))
        }

    async def _keep(self, actions: Sequence[Action], direction: Mode) -> None:
        planned, offload = self._memory.planned, self._world.offload
        if not self.held:
            await offload(planned.begin, self.run, self._memory.name, self._world.lived())
        self.held += len(actions)
        await offload(planned.add, self.run, actions, direction)


def only(state: FolderState, names: set[str], agreed: set[str]) -> FolderState:
    """A folder as if it had some of its names only.

    Args:
        state: the folder.
        names: which; without those about which something is agreed.
        agreed: names about which something may be agreed.
    """
    base = tuple(one for one in state.base or () if one.name in names)
    names = names - {one.name for one in base if one.name not in agreed}
    near, far = (_listing(one, names) for one in state.sides)
    rows = AgreedColumns.of(tuple(one for one in base if one.name in names))
    agreements = None if state.agreements is None else rows.encode()
    return state._replace(listings=(near, far), agreements=agreements)


def _listing(columns: EntryColumns | None, names: set[str]) -> bytes | None:
    if columns is None:
        return None
    return EntryColumns.of([one for one in columns if one.name in names]).encode()
