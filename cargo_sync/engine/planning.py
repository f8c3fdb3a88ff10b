"""Planning during the survey: folders that are not settled -> steps, page by page."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Puts
from cargo_sync.model.agreed import (
    AgreedColumns,
    far_surely_as_agreed,
    names_surely_in,
    near_surely_as_agreed,
)
from cargo_sync.model.entries import DAMAGED, FOLDER, EntryColumns
from cargo_sync.model.jobs import After, Mode
from cargo_sync.model.problems import Code
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.one_way import NOTHING_FRESH, FolderPlan, JobView, plan_folder, view_of
from cargo_sync.state.folders import FolderState

STEPS: Final = 2_000
"""Steps that are handed on together. A folder with a million names is planned as a whole, but not
executed as a whole."""
_DAMAGED: Final = DAMAGED.encode()
_NOTHING_THERE: Final = EntryColumns.nothing()
_NOTHING_AGREED: Final = AgreedColumns.nothing()


class Steps(NamedTuple):
    """Steps that are handed on together; `actions` may make the folders of `fresh`, new files."""

    actions: Sequence[Action]
    fresh: Puts = NOTHING_FRESH


class Planning:
    """Plans one run in one direction, UPLOAD or DOWNLOAD.

    Steps that must wait for the end of the survey go to disk (`Planned`).

    deferred  how many such steps there are
    waiting   files that are not ready, because they still change
    found     in a held run: files on both sides, on which nothing is agreed
    replaces_folders  steps would replace folders by files or links
    """

    def __init__(self, context: RunContext, direction: Mode) -> None:
        self._direction = direction
        self._upload = direction is Mode.UPLOAD
        self._rules = context.rules
        self._memory = context.memory
        self._world = context.world
        self._report = context.report
        self._filters = Filters(context.rules.include, context.rules.exclude)
        self._replaced = Subtrees()
        self._old_failures = context.memory.failures.paths()
        self.deferred = 0
        self.waiting = 0
        self.found = 0
        self.replaces_folders = False

    async def steps(
        self, pages: AsyncIterator[list[FolderState]], *, defer: bool = True
    ) -> AsyncIterator[Steps]:
        """The steps that may be executed at once; without `defer` (a preview) all, as actions.

        A preview also has the steps of files that failed and are not due yet: a person's `job sync`
        would try them.
        """
        view = self._view()
        if not defer:
            view = replace(view, due=lambda path, entry: True, ready=lambda entries: False)
        async for page in pages:
            now: list[Action] = []
            fresh: list[Puts] = []
            later: list[Action] = []
            settled: list[FolderState] = []
            for state, plan in self._plans(page, view):
                self._note_failures(state.path, plan)
                now += plan.now
                later += plan.later
                if plan.fresh:
                    fresh.append(plan.fresh)
                if plan.empty:
                    settled.append(state)
            if settled:
                await self._world.offload(self._memory.folders.settle, settled)
            if later and defer:
                await self._defer(later)
                later = []
            steps = now + later if defer else [self._with_wait(one) for one in now + later]
            for start in range(0, len(steps), STEPS):
                yield Steps(steps[start : start + STEPS])
            if fresh:
                yield Steps((), Puts.joined(fresh))

    def _with_wait(self, action: Action) -> Action:
        """A step of a preview that says why a run by itself would not do it now."""
        failure = self._memory.failures.get(action.path)
        if failure is None:
            return action
        cancelled = failure.problem.code == Code.CANCELLED
        why = "cancelled by a person" if cancelled else "waits for its retry"
        return action._replace(why=why)

    async def _defer(self, later: list[Action]) -> None:
        planned, run = self._memory.planned, self._report.run
        if not self.deferred:
            await self._world.offload(planned.begin, run, self._rules.name, self._world.lived())
        self.deferred += len(later)
        await self._world.offload(planned.add, run, later)

    async def settle(self, pages: AsyncIterator[list[FolderState]]) -> AsyncIterator[Steps]:
        """The last pass over all folders that were not settled.

        Folders without further steps are settled now. The steps that it yields retire delivered
        sources.
        """
        view = self._view()
        async for page in pages:
            settled: list[FolderState] = []
            retire: list[Action] = []
            for state, plan in self._plans(page, view):
                self.found += _not_agreed(state) if self._report.approvable else 0
                retire += [action for action in plan.now if action.op is Op.RETIRE]
                if plan.empty:
                    settled.append(state)
            if settled:
                await self._world.offload(self._memory.folders.settle, settled)
            if retire:
                yield Steps(retire)

    def inside(self, actions: Sequence[Action]) -> int:
        """How many files are in the folders at the destination that these steps would replace.

        Those that have a deletion of their own are not counted.
        """
        view, found = self._view(), 0
        for action in actions:
            if not _replaces_folder(action):
                continue
            for state in self._memory.folders.below(action.path):
                base = {row.name: row for row in state.base or ()} if view.propagate else {}
                for entry in (state.far if self._upload else state.near) or ():
                    row = base.get(entry.name)
                    deleted = row is not None and view.is_destination(row, entry)
                    found += entry.kind != FOLDER and not deleted
        return found

    def forget_old_failures(self, unseen: Subtrees) -> list[str]:
        """Forgets failures from before this run of files that no plan of this run names.

        Args:
            unseen: what the survey could not see.

        Returns:
            The paths of those that a person had cancelled.
        """
        failures = self._memory.failures
        gone = [path for path in self._old_failures if path not in unseen]
        put_off = [path for path in gone if failures.was_put_off(path)]
        for path in gone:
            failures.succeeded(path)
        return put_off

    def _plans(
        self, page: Sequence[FolderState], view: JobView
    ) -> Iterator[tuple[FolderState, FolderPlan]]:
        for state in page:
            if state.path in self._replaced:
                continue  # a file is still in the place of this folder: the next look plans it
            if self._is_settled(state, view):
                yield state, FolderPlan()
                continue
            source, destination = state.sides if self._upload else reversed(state.sides)
            plan = plan_folder(
                state.path,
                source or _NOTHING_THERE,
                destination or _NOTHING_THERE,
                state.agreed or _NOTHING_AGREED,
                view,
            )
            for action in plan.later:
                if action.op is Op.MKDIR:
                    self._replaced.add(action.path)
                self.replaces_folders |= _replaces_folder(action)
            yield state, plan

    def _is_settled(self, state: FolderState, view: JobView) -> bool:
        """Whether it is sure, without a look at its entries, that nothing is left to do."""
        base, (near, far) = state.agreements, state.listings
        source, destination = (near, far) if self._upload else (far, near)
        if base is None or source is None or view.retire or _DAMAGED in (destination or b""):
            return False
        if not (near_surely_as_agreed if self._upload else far_surely_as_agreed)(base, source):
            return False
        names = names_surely_in(source)
        some = names is None or view.outside(state.path) or view.excludes_some(state.path, names)
        return not some

    def _view(self) -> JobView:
        rules, memory = self._rules, self._memory
        wall, steady = self._world.wall(), self._world.steady()
        watched = self._upload
        return view_of(
            self._direction,
            excluded=self._filters.excluded,
            still=lambda path, entry: (
                not watched or memory.settling.is_still(path, entry, wall, steady)
            ),
            due=lambda path, entry: memory.failures.due(path, entry, steady),
            excludes_some=self._filters.excludes_some,
            ready=lambda entries: (
                not len(memory.failures)
                and (not watched or memory.settling.are_still(entries, wall))
            ),
            propagate=rules.propagate,
            retire=rules.after is not After.KEEP,
        )

    def _note_failures(self, folder: str, plan: FolderPlan) -> None:
        """Notes which old failures the plan names; a file that still changes needs another look."""
        if self._old_failures:
            steps = chain(plan.now, plan.later)
            self._old_failures.difference_update(plan.fresh.paths, (one.path for one in steps))
        for name in plan.waiting:
            path = paths.join(folder, name)
            if self._memory.failures.knows(path):
                self._old_failures.discard(path)
            else:
                self.waiting += 1
                self._report.look_again(self._rules.settle)


def _replaces_folder(action: Action) -> bool:
    """Whether a file or a link would be put in the place of a folder."""
    there = action.expected
    return action.op is Op.PUT and there is not None and there.kind == FOLDER


def _not_agreed(state: FolderState) -> int:
    """How many files a folder has on both sides that are not in base."""
    near, far = state.sides
    if near is None or far is None:
        return 0
    files = {name for name, kind in zip(far.names, far.kinds, strict=True) if kind != FOLDER}
    return len(files.intersection(near.names) - set(state.agreed.names if state.agreed else ()))
