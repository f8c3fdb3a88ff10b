"""Holds back what may have been renamed, until the survey has seen everything.

The planner sees one folder at a time. A new name may be something that is gone somewhere else,
which the survey sees later, or has seen; so its step waits on disk, and so does the planning of
all below it. A name in whose place something else is waits too: what was there may be elsewhere.
Folders that are to be deleted wait as well, since they may have moved as a whole.

In a two-way job both directions are held back like this. What is gone on one side and changed on
the other waits, and what is gone on both: it may have been moved.

Only jobs that repeat deletions rename: the others keep at the destination what is gone.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.planners.contract import FolderPlanner, PlannedFolder
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Puts
from cargo_sync.model.agreed import AgreedColumns
from cargo_sync.model.entries import FOLDER, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.moves import LEAST, is_worth_it
from cargo_sync.plan.one_way import FolderPlan, JobView
from cargo_sync.state.folders import FolderState

_DONE_THERE = frozenset({Op.PUT, Op.MKDIR, Op.ADOPT, Op.LEAVE, Op.META})
"""Steps that bring a name of the source to the destination."""


class HoldingPlanner:
    """A planner that holds back steps.

    round     its steps are held back now
    held      how many they are
    narrowed  the pages have some names of their folders only, and nothing is held back
    plain     nothing is held back
    """

    def __init__(self, context: RunContext, inner: FolderPlanner) -> None:
        self._inner = inner
        self._directions = context.rules.mode.directions
        self._memory = context.memory
        self._world = context.world
        self._report = context.report
        self._active: bool | None = None if context.rules.propagate else False
        self._preview = False
        self._begun = False
        self.round = 0
        self.held = 0
        self.narrowed = False
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
            self._active = await self._world.offload(self._memory.folders.knows_idents)
        if self.narrowed:
            planned = await self._inner.plan(page, final=final)
            return [replace(folder, held=1) for folder in planned]  # other names may need steps
        if final or self.plain or not self._active:
            return await self._inner.plan(page, final=final)
        ready = [state for state in page if state.path not in self._tops]
        return await self._hold(await self._inner.plan(ready, final=final))

    async def _hold(self, planned: Sequence[PlannedFolder]) -> list[PlannedFolder]:
        some = [self._candidates(folder) for folder in planned]
        suspicious = {
            direction: await self._suspicious(
                list(chain.from_iterable(own.get(direction, ()) for own in some)), direction
            )
            for direction in self._directions
        }
        found = []
        for folder, own in zip(planned, some, strict=True):
            if folder.state.path in self._tops:
                continue  # it is below a folder that waits: it is planned with that one
            held: dict[str, Mode] = {}
            for direction, perhaps in own.items():
                paths_held = suspicious[direction]
                actions = [
                    one.action
                    for one in perhaps
                    if one.action.path in paths_held and one.action.path not in held
                ]
                held |= dict.fromkeys((one.path for one in actions), direction)
                for one in perhaps:
                    if one.top and one.action.path in paths_held:
                        self._tops.add(one.action.path)
                await self._keep(actions, direction)
            if held:
                ways = {mode: without(plan, held.keys()) for mode, plan in folder.ways.items()}
                folder = replace(folder, ways=ways, held=len(held))
            found.append(folder)
        return found

    # -- what may wait -----------------------------------------------------------------------------

    def _candidates(self, folder: PlannedFolder) -> Mapping[Mode, Sequence["PerhapsRenamed"]]:
        found: dict[Mode, Sequence[PerhapsRenamed]] = {}
        for direction, plan in folder.ways.items():
            some = list(candidates(folder.state, plan, near=direction is Mode.UPLOAD))
            if some and len(self._directions) > 1:
                some = _without_collisions(folder.state, some)
            some += self._deletions(plan)
            if len(self._directions) > 1:
                some += _forgotten(folder.state, plan)
            if some:
                found[direction] = some
        return found

    def _deletions(self, plan: FolderPlan) -> Iterator["PerhapsRenamed"]:
        """Deletions of folders; in a preview, also of files: they may be renamed instead."""
        for action in plan.later:
            there = action.expected
            if action.op is Op.DELETE and there is not None:
                is_folder = there.kind == FOLDER
                if is_folder or (self._preview and is_worth_it(there.kind, there.size)):
                    yield PerhapsRenamed(action, top=is_folder, always=True)

    async def _suspicious(self, some: Sequence["PerhapsRenamed"], direction: Mode) -> set[str]:
        """The paths that may have been renamed, or that were left by what may be elsewhere."""
        if not some:
            return set()
        return await self._world.offload(self._look_up, some, direction is Mode.UPLOAD)

    def _look_up(self, some: Sequence["PerhapsRenamed"], near: bool) -> set[str]:
        folders = self._memory.folders
        asked = [one for one in some if not one.always]
        idents = {
            source.ident: None
            for one in asked
            if (source := one.action.source) and is_worth_it(source.kind, source.size)
        }
        places = folders.places(list(idents), near=near) if idents else {}
        left = [one.action.path for one in asked if one.replaces]
        before = folders.idents_at(left, near=near) if left else {}
        held = {one.action.path for one in some if one.always}
        for one in asked:
            path, source = one.action.path, one.action.source
            assert source is not None
            known = places.get(source.ident, ()) if source.ident in idents else ()
            moved_here = any(place != path for place in known)
            if moved_here or before.get(path, source.ident) != source.ident:
                held.add(path)
        return held

    async def _keep(self, actions: Sequence[Action], direction: Mode) -> None:
        if not actions:
            return
        planned, run = self._memory.planned, self._run()
        if not self._begun:
            lived = self._world.lived()
            await self._world.offload(planned.begin, run, self._memory.name, lived)
            self._begun = True
        self.held += len(actions)
        await self._world.offload(planned.add, run, actions, direction)

    def _run(self) -> str:
        return f"{self._report.run} moves {self.round}"


class PerhapsRenamed(NamedTuple):
    """A step that may be about something renamed.

    replaces  something worth it was agreed to be there
    top       what is below its path waits too
    always    it waits, whatever is known about it
    """

    action: Action
    replaces: bool = False
    top: bool = False
    always: bool = False


def candidates(state: FolderState, plan: FolderPlan, *, near: bool) -> Iterator[PerhapsRenamed]:
    """The steps of a folder that may have to wait, also of files that are not still yet."""
    for action in (*plan.now, *plan.later):
        source, there = action.source, action.expected
        if action.op not in _DONE_THERE or source is None:
            continue
        replaces = there is not None and is_worth_it(there.kind, there.size)
        if replaces or is_worth_it(source.kind, source.size):
            folders = FOLDER in (source.kind, there.kind if there else "")
            yield PerhapsRenamed(action, replaces, top=folders)
    sizes = plan.fresh.sources.sizes
    if sizes and max(sizes) >= LEAST:
        for at, size in enumerate(sizes):
            if size >= LEAST:
                yield PerhapsRenamed(plan.fresh[at])
    if plan.waiting:
        listing = state.sides[0 if near else 1]
        for name in plan.waiting if listing else ():
            assert listing is not None
            at = bisect_left(listing.names, name)
            entry = listing.entry(at)
            if is_worth_it(entry.kind, entry.size):
                path = paths.join(state.path, name)
                yield PerhapsRenamed(Action(Op.PUT, path, entry, why="not still yet"))


def _without_collisions(state: FolderState, some: Sequence[PerhapsRenamed]) -> list[PerhapsRenamed]:
    """Of a two-way job: what is new and free, or replaces what was agreed on."""
    known = set(state.agreed.names) if state.agreed else set()
    return [
        one
        for one in some
        if (one.action.expected is not None) == (paths.name(one.action.path) in known)
    ]


def _forgotten(state: FolderState, plan: FolderPlan) -> Iterator[PerhapsRenamed]:
    """Of a two-way job: what is gone on both sides, or gone on one and changed on the other."""
    some = {paths.name(one.path): one for one in plan.now if one.op is Op.FORGET}
    if not some:
        return
    near, far = state.sides
    there = {*(near.names if near else ()), *(far.names if far else ())}
    for base in state.base or ():
        action = some.get(base.name)
        if action is None or not is_worth_it(base.kind, base.size):
            continue
        if action.expected is not None or base.name not in there:
            yield PerhapsRenamed(action, top=base.kind == FOLDER, always=True)


def without(plan: FolderPlan, held: Collection[str]) -> FolderPlan:
    """The plan without the steps of these paths."""
    fresh, names = plan.fresh, {paths.name(path) for path in held}
    if not set(held).isdisjoint(fresh.paths):
        keep = [at for at, path in enumerate(fresh.paths) if path not in held]
        columns = EntryColumns(*([column[at] for at in keep] for column in fresh.sources.columns()))
        fresh = Puts([fresh.paths[at] for at in keep], columns)
    return FolderPlan(
        [one for one in plan.now if one.path not in held],
        [one for one in plan.later if one.path not in held],
        [name for name in plan.waiting if name not in names],
        fresh,
    )


def narrowed(state: FolderState, names: Collection[str]) -> FolderState:
    """A folder as if it had these names only."""
    near, far = (_listing(one, names) for one in state.sides)
    agreements = None
    if state.agreements is not None:
        base = tuple(one for one in state.base or () if one.name in names)
        agreements = AgreedColumns.of(base).encode()
    return state._replace(listings=(near, far), agreements=agreements)


def _listing(columns: EntryColumns | None, names: Collection[str]) -> bytes | None:
    if columns is None:
        return None
    return EntryColumns.of([one for one in columns if one.name in names]).encode()
