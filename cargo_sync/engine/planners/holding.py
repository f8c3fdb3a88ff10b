"""Holds back what may have been renamed, until the survey has seen everything.

The planner sees one folder at a time. A new name may be something that is gone somewhere else,
which the survey sees later, or has seen; so its step waits on disk, and so does the planning of
all below it. A name in whose place something else is waits too: what was there may be elsewhere.
Steps of folders that are gone at the source wait as well, since they may have moved as a whole.

Only jobs that repeat deletions rename: the others keep at the destination what is gone.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.planners.contract import PlannedFolder
from cargo_sync.engine.planners.one_way import OneWayPlanner
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Puts
from cargo_sync.model.entries import FOLDER, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.moves import LEAST, is_worth_it
from cargo_sync.plan.one_way import FolderPlan, JobView
from cargo_sync.state.folders import FolderState

_DONE_THERE = frozenset({Op.PUT, Op.MKDIR, Op.ADOPT, Op.LEAVE, Op.META})
"""Steps that bring a name of the source to the destination."""


class HoldingPlanner:
    """A one-way planner that holds back steps.

    only   by folder, the names to plan now, and nothing is held back; None: everything is planned
    plain  nothing is held back
    """

    def __init__(self, context: RunContext, direction: Mode) -> None:
        self._inner = OneWayPlanner(context, direction)
        self._direction = direction
        self._near = direction is Mode.UPLOAD
        self._memory = context.memory
        self._world = context.world
        self._report = context.report
        self._propagates = context.rules.propagate
        self._active: bool | None = None
        self._preview = False
        self._begun = False
        self.round = 0
        self.held = 0
        self.gone = False
        self.only: Mapping[str, set[str]] | None = None
        self.plain = False
        self._tops = Subtrees()

    def begin(self, *, preview: bool = False) -> None:
        self._preview = preview
        self._inner.begin(preview=preview)

    def view(self, direction: Mode) -> JobView:
        return self._inner.view(direction)

    def next_round(self) -> str:
        """What was held back until now is planned; returns the run under which it is on disk."""
        run = self._run()
        self.round += 1
        self.held = 0
        self._begun = False
        self._tops = Subtrees()
        return run

    async def plan(self, page: Sequence[FolderState], *, final: bool) -> list[PlannedFolder]:
        if self._active is None:
            known = self._memory.folders.knows_idents
            self._active = self._propagates and await self._world.offload(known)
        if self.only is not None:
            return self._narrow(await self._inner.plan(page, final=final))
        if final or self.plain or not self._active:
            return await self._inner.plan(page, final=final)
        ready = [state for state in page if state.path not in self._tops]
        there = [state for state in ready if not self._is_gone(state)]
        self.gone |= len(there) < len(ready)
        return await self._hold(await self._inner.plan(there, final=final))

    def _is_gone(self, state: FolderState) -> bool:
        source = state.listings[0 if self._near else 1]
        return bool(state.path) and source is None and state.agreements is not None

    def _narrow(self, planned: Sequence[PlannedFolder]) -> list[PlannedFolder]:
        """The plans for the names in `only`; the folders are not settled by them."""
        found = []
        for folder in planned:
            names = (self.only or {}).get(folder.state.path, set())
            ways = {mode: _named(plan, names) for mode, plan in folder.ways.items()}
            found.append(PlannedFolder(folder.state, ways, held=1))
        return found

    async def _hold(self, planned: Sequence[PlannedFolder]) -> list[PlannedFolder]:
        candidates = [list(self._candidates(folder)) for folder in planned]
        some = list(chain.from_iterable(candidates))
        held = await self._world.offload(self._suspicious, some) if some else set()
        if not held:
            return list(planned)
        found = []
        for folder, own in zip(planned, candidates, strict=True):
            if folder.state.path in self._tops:
                continue  # it is below a folder that waits: it is planned with that one
            actions = [one.action for one in own if one.action.path in held]
            if not actions:
                found.append(folder)
                continue
            await self._keep(actions)
            for action in actions:
                if action.source is not None and action.source.kind == FOLDER:
                    self._tops.add(action.path)
            ways = {mode: without(plan, held) for mode, plan in folder.ways.items()}
            found.append(PlannedFolder(folder.state, ways, held=len(actions)))
        return found

    def _candidates(self, folder: PlannedFolder) -> Iterator["PerhapsRenamed"]:
        for plan in folder.ways.values():
            yield from candidates(folder.state, plan, near=self._near)
            if self._preview:
                for action in plan.later:
                    if action.op is Op.DELETE:
                        yield PerhapsRenamed(action, False)

    def _suspicious(self, some: Sequence["PerhapsRenamed"]) -> set[str]:
        """The paths that may have been renamed, or that were left by what may be elsewhere."""
        folders, near = self._memory.folders, self._near
        idents = {
            source.ident: None
            for one in some
            if (source := one.action.source) and is_worth_it(source.kind, source.size)
        }
        places = folders.places(list(idents), near=near) if idents else {}
        left = [one.action.path for one in some if one.replaces]
        before = folders.idents_at(left, near=near) if left else {}
        held = set()
        for one in some:
            path, source = one.action.path, one.action.source
            if source is None:  # a preview: what is deleted may be moved instead
                held.add(path)
                continue
            known = places.get(source.ident, ()) if source.ident in idents else ()
            if (
                any(place != path for place in known)
                or before.get(path, source.ident) != source.ident
            ):
                held.add(path)
        return held

    async def _keep(self, actions: Sequence[Action]) -> None:
        planned, run = self._memory.planned, self._run()
        if not self._begun:
            lived = self._world.lived()
            await self._world.offload(planned.begin, run, self._memory.name, lived)
            self._begun = True
        self.held += len(actions)
        await self._world.offload(planned.add, run, actions, self._direction)

    def _run(self) -> str:
        return f"{self._report.run} moves {self.round}"


class PerhapsRenamed(NamedTuple):
    """A step that may be about something renamed.

    replaces  something worth it was agreed to be there
    """

    action: Action
    replaces: bool


def candidates(state: FolderState, plan: FolderPlan, *, near: bool) -> Iterator[PerhapsRenamed]:
    """The steps of a folder that may have to wait, also of files that are not still yet."""
    for action in (*plan.now, *plan.later):
        source, there = action.source, action.expected
        if action.op not in _DONE_THERE or source is None:
            continue
        replaces = there is not None and is_worth_it(there.kind, there.size)
        if replaces or is_worth_it(source.kind, source.size):
            yield PerhapsRenamed(action, replaces)
    sizes = plan.fresh.sources.sizes
    if sizes and max(sizes) >= LEAST:
        for at, size in enumerate(sizes):
            if size >= LEAST:
                yield PerhapsRenamed(plan.fresh[at], False)
    if plan.waiting:
        listing = state.sides[0 if near else 1]
        for name in plan.waiting if listing else ():
            assert listing is not None
            at = bisect_left(listing.names, name)
            entry = listing.entry(at)
            if is_worth_it(entry.kind, entry.size):
                path = paths.join(state.path, name)
                yield PerhapsRenamed(Action(Op.PUT, path, entry, why="not still yet"), False)


def without(plan: FolderPlan, held: set[str]) -> FolderPlan:
    """The plan without the steps of these paths."""
    fresh, names = plan.fresh, {paths.name(path) for path in held}
    if not held.isdisjoint(fresh.paths):
        keep = [at for at, path in enumerate(fresh.paths) if path not in held]
        columns = EntryColumns(*([column[at] for at in keep] for column in fresh.sources.columns()))
        fresh = Puts([fresh.paths[at] for at in keep], columns)
    return FolderPlan(
        [one for one in plan.now if one.path not in held],
        [one for one in plan.later if one.path not in held],
        [name for name in plan.waiting if name not in names],
        fresh,
    )


def _named(plan: FolderPlan, names: set[str]) -> FolderPlan:
    """The plan for some names only."""
    now = [*plan.now, *plan.fresh]
    return FolderPlan(
        [one for one in now if paths.name(one.path) in names],
        [one for one in plan.later if paths.name(one.path) in names],
        [name for name in plan.waiting if name in names],
    )
