"""Planning during the survey: folders that are not settled -> steps, page by page."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.planners.contract import FolderPlanner, PlannedFolder
from cargo_sync.engine.planners.deferred import Deferred
from cargo_sync.engine.planners.distinct import DistinctNames
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome, Puts
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.drift import drifted
from cargo_sync.plan.one_way import NOTHING_FRESH, FolderPlan
from cargo_sync.state.folders import FolderState

STEPS: Final = 2_000
"""Steps that are handed on together. A folder with a million names is planned as a whole, but not
executed as a whole."""


class Steps(NamedTuple):
    """Steps that are handed on together; `actions` may make the folders of `fresh`, new files."""

    actions: Sequence[Action]
    fresh: Puts = NOTHING_FRESH


class StepPage(NamedTuple):
    """What the plans of a page of folders ask for.

    ways       the steps of each direction
    conflicts  CONFLICT steps, which come before all others
    told       what is recorded before them: uploads that have arrived, and files that cannot be
               planned, with their problems
    """

    ways: Mapping[Mode, Sequence[Steps]]
    conflicts: Sequence[Action] = ()
    told: Sequence[Outcome] = ()


class Planning:
    """Plans one run. Steps that must wait for the end of the survey go to `deferred`.

    waiting    files that are not ready, because they still change
    unclear    folders that only one side has: whether they go is not known yet
    postponed  names that wait for the next run, until a folder above them is gone
    found      in a held run: files on both sides, on which nothing is agreed
    replaces_folders  steps would replace folders by files or links
    """

    def __init__(
        self, context: RunContext, planner: FolderPlanner, deferred: Mapping[Mode, Deferred]
    ) -> None:
        self._rules = context.rules
        self._memory = context.memory
        self._world = context.world
        self._report = context.report
        self._planner = planner
        self._deferred = deferred
        self._old_failures = context.memory.failures.paths()
        self.waiting = 0
        self.unclear: set[str] = set()
        self.postponed = 0
        self.found = 0
        self.replaces_folders = False

    def keep_distinct(self, direction: Mode) -> None:
        """Names that the destination's file system does not tell apart are not planned together."""
        self._planner = DistinctNames(self._planner, direction)

    async def steps(
        self, pages: AsyncIterator[list[FolderState]], *, defer: bool = True
    ) -> AsyncGenerator[StepPage, None]:
        """The steps that may be executed at once; without `defer` (a preview) all, as actions.

        A preview also has the steps of files that failed and are not due yet: a person's `job sync`
        would try them.
        """
        self._planner.begin(preview=not defer)
        async for page in pages:
            folders = await self._planner.plan(page, final=False)
            await self._settle(folders)
            for folder in folders:
                self._note_failures(folder)
                if folder.unclear:
                    self.unclear.add(folder.state.path)
                    self._report.look_again(self._rules.settle)
                else:
                    self.postponed += folder.postponed
            ways: dict[Mode, list[Steps]] = {}
            for direction in self._rules.mode.directions:
                plans = [folder.ways[direction] for folder in folders if direction in folder.ways]
                ways[direction] = await self._way(direction, plans, defer=defer)
            conflicts = [one for folder in folders for one in folder.conflicts]
            told = [one for folder in folders for one in (*folder.arrived, *folder.failed)]
            yield StepPage(ways, conflicts, told)

    async def _way(
        self, direction: Mode, plans: Sequence[FolderPlan], *, defer: bool
    ) -> list[Steps]:
        """The steps of one direction; those that must wait are kept."""
        now = list(chain.from_iterable(plan.now for plan in plans))
        later = list(chain.from_iterable(plan.later for plan in plans))
        self.replaces_folders |= any(one.replaces_folder for one in later)
        if later and defer:
            await self._deferred[direction].add(later)
        steps = now if defer else [self._with_wait(one) for one in now + later]
        found = [Steps(steps[start : start + STEPS]) for start in range(0, len(steps), STEPS)]
        if fresh := [plan.fresh for plan in plans if plan.fresh]:
            found.append(Steps((), Puts.joined(fresh)))
        return found

    async def _settle(self, folders: Sequence[PlannedFolder]) -> None:
        if settled := [folder.state for folder in folders if folder.empty]:
            await self._world.offload(self._memory.folders.settle, settled)

    async def drift(self) -> int:
        """How many delivered files the destination does not have as they were delivered.

        None in a two-way job: its sides follow each other. In a job with one direction this is
        counted in folders that were settled before this run, because what the run brought was not
        seen at the destination yet. A download sees its own folder only when it looks at all of it.
        """
        folders, mode = self._memory.folders, self._rules.mode
        if mode is Mode.BIDIRECTIONAL:
            return 0
        if mode is Mode.UPLOAD or self._report.whole:
            while await self._world.offload(folders.count_drift, self._drifted):
                pass
        return await self._world.offload(folders.drifted)

    def _drifted(self, state: FolderState) -> int:
        near, far = state.listings
        mode = self._rules.mode
        return drifted(state.agreements, far if mode is Mode.UPLOAD else near, mode)

    def _with_wait(self, action: Action) -> Action:
        """A step of a preview that says why a run by itself would not do it now."""
        failure = self._memory.failures.get(action.path)
        if failure is None:
            return action
        cancelled = failure.problem.code == Code.CANCELLED
        why = "cancelled by a person" if cancelled else "waits for its retry"
        return action._replace(why=why)

    async def settle(self, pages: AsyncIterator[list[FolderState]]) -> AsyncIterator[Steps]:
        """The last pass over all folders that were not settled.

        Folders without further steps are settled now. The steps that it yields retire delivered
        sources.
        """
        self._planner.begin()
        async for page in pages:
            folders = await self._planner.plan(page, final=True)
            await self._settle(folders)
            if self._report.approvable:
                self.found += sum(_not_agreed(folder.state) for folder in folders)
            plans = (plan for folder in folders for plan in folder.ways.values())
            steps = chain.from_iterable(plan.now for plan in plans)
            if retire := [action for action in steps if action.op is Op.RETIRE]:
                yield Steps(retire)

    def inside(
        self, direction: Mode, actions: Sequence[Action], every: bool
    ) -> Iterator[list[str]]:
        """The files in the folders at the destination that these steps would replace, by folder.

        Those that have a deletion of their own are left out, unless `every` one is wanted.
        """
        view = self._planner.view(direction)
        for action in actions:
            if not action.replaces_folder:
                continue
            leaves_out = view.propagate and not every
            for state in self._memory.folders.below(action.path):
                base = {row.name: row for row in state.base or ()} if leaves_out else {}
                found = []
                for entry in (state.far if direction is Mode.UPLOAD else state.near) or ():
                    row = base.get(entry.name)
                    deleted = row is not None and view.is_destination(row, entry)
                    if entry.kind != FOLDER and not deleted:
                        found.append(paths.join(state.path, entry.name))
                yield found

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

    def _note_failures(self, folder: PlannedFolder) -> None:
        """Notes which old failures the plan names; a file that still changes needs another look."""
        plans = folder.ways.values()
        if self._old_failures:
            steps = chain(folder.conflicts, *(chain(plan.now, plan.later) for plan in plans))
            named = chain((one.path for one in steps), *(plan.fresh.paths for plan in plans))
            failed = (one.action.path for one in folder.failed)
            self._old_failures.difference_update(named, failed)
        waiting = {
            direction: [paths.join(folder.state.path, name) for name in plan.waiting]
            for direction, plan in folder.ways.items()
        }
        for direction, some in waiting.items():
            self._memory.rooms[direction].meets(some)
        for path in chain.from_iterable(waiting.values()):
            if self._memory.failures.knows(path):
                self._old_failures.discard(path)
            else:
                self.waiting += 1
                self._report.look_again(self._rules.settle)


def _not_agreed(state: FolderState) -> int:
    """How many files a folder has on both sides that are not in base."""
    near, far = state.sides
    if near is None or far is None:
        return 0
    files = {name for name, kind in zip(far.names, far.kinds, strict=True) if kind != FOLDER}
    return len(files.intersection(near.names) - set(state.agreed.names if state.agreed else ()))
