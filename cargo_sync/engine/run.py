"""One run of a job: survey -> plan -> execute -> commit.

A pause, a cut or a kill may stop a run anywhere: the next look sees again what is not committed.
Only observations and agreements are stored, never work to do.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from cargo_sync.engine.binding import OpenedSides, open_sides
from cargo_sync.engine.commit import Commit, OnEvents
from cargo_sync.engine.conflicts import ConflictResolution
from cargo_sync.engine.context import JobMemory, RunContext
from cargo_sync.engine.execution.both_ways import follow
from cargo_sync.engine.execution.direction import Direction
from cargo_sync.engine.execution.moving import Moves
from cargo_sync.engine.planners.contract import FolderPlanner
from cargo_sync.engine.planners.holding import HoldingPlanner
from cargo_sync.engine.planners.two_way import TwoWayPlanner
from cargo_sync.engine.planning import Planning, StepPage, Steps
from cargo_sync.engine.report import RunProgress, RunReport
from cargo_sync.engine.survey import Survey
from cargo_sync.engine.verification import Verification
from cargo_sync.machines.room import PROBE, DestinationRoom
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.jobs import Mode, Rules
from cargo_sync.model.problems import Code
from cargo_sync.model.world import World
from cargo_sync.plan.guard import Guard
from cargo_sync.state.folders import FolderState
from cargo_sync.trees.contract import FarTree, NearTree

DROPPED: Final = 2_000
"""Actions that are deleted at a time: others write to the state in between."""
PAGE: Final = 1000


class Run:
    """One execution of a job, or one preview. `report` and `progress` may be read at any time."""

    def __init__(
        self,
        rules: Rules,
        near: NearTree,
        far: FarTree,
        memory: JobMemory,
        world: World,
        on_events: OnEvents,
    ) -> None:
        started = world.wall()
        stamp = datetime.fromtimestamp(started, UTC).strftime("%Y%m%dT%H%M%SZ")
        self.report = RunReport(f"{stamp}-{world.token()[:8]}", started)
        self.progress = RunProgress()
        self._rules = rules
        self._near = near
        self._far = far
        self._memory = memory
        self._world = world
        self._on_events = on_events
        self._context = RunContext(rules, memory, world, self.report, self.progress)
        self._survey = Survey(near, far, memory, world)
        self._moves: Moves | None = None
        self._planning = Planning(self._context, self._planner())
        self._conflicts = ConflictResolution(self._context, near, far, on_events)

    async def execute(
        self, *, spent: int = 0, refused: int = 0, approved: bool = False
    ) -> RunReport:
        """Makes the destination follow the source; in a two-way job, both sides follow each other.

        Args:
            spent: overwrites that earlier runs did before they were held.
            refused: overwrites that the last run was refused.
            approved: a person lets this one run pass the guard.

        Raises:
            ProblemError: a side cannot be reached, or the connection was cut. What was committed
                stays.
        """
        if approved:
            await self._world.offload(self._memory.suspects.release)
        opened = await self._open()
        for room in self._memory.rooms.values():
            room.begin()
        directions = await self._directions(spent, refused, approved=approved)
        hinted = self._memory.scope.begin(self._world.steady())
        pages = self._survey.folders(opened.cursor, self.report, hinted)
        await follow(directions, self._resolved(self._planning.steps(pages)))
        await self._rename(opened, directions)
        await self._execute_deferred(opened, directions)
        await self._planning.count_drift()
        await self._retire(directions)
        await self._hold(directions)
        if self._rules.mode is Mode.BIDIRECTIONAL:
            await self._conflicts.finish()
        if self._survey.complete:
            gone = self._planning.forget_old_failures(self._survey.missed)
            if gone:
                await self._world.offload(self._memory.transfers.take_up, self._memory.job_id, gone)
        self.report.drifted = await self._world.offload(self._memory.folders.drifted)
        self._judge_room()  # after that: a file that is gone waits for no room
        if self._planning.deferred:
            while await self._world.offload(self._memory.planned.drop, self.report.run, DROPPED):
                pass
        self.report.ended = self._world.wall()
        return self.report

    def _planner(self) -> FolderPlanner:
        if self._rules.mode is Mode.BIDIRECTIONAL:
            return TwoWayPlanner(self._context, self._near, self._far)
        planner = HoldingPlanner(self._context, self._rules.mode)
        source = self._near if self._rules.mode is Mode.UPLOAD else self._far
        self._moves = Moves(self._context, planner, self._rules.mode, source, self._survey.missed)
        return planner

    async def _directions(
        self, spent: int, refused: int, *, approved: bool
    ) -> dict[Mode, Direction]:
        tree, _ = await self._world.offload(self._memory.folders.counts)
        return {
            mode: Direction(
                mode,
                self._context,
                self._near,
                self._far,
                Guard(tree, spent=spent, refused=refused, approved=approved),
                self._on_events,
            )
            for mode in self._rules.mode.directions
        }

    async def _resolved(
        self, pages: AsyncGenerator[StepPage, None]
    ) -> AsyncGenerator[StepPage, None]:
        """The same pages, with the steps that resolve their conflicts; those come first."""
        commit = Commit(self._context, Mode.UPLOAD, self._on_events)
        async with aclosing(pages):
            async for page in pages:
                if page.failed:
                    await commit(page.failed)
                if page.conflicts:
                    steps = await self._conflicts(page.conflicts)
                    ways = {
                        mode: [Steps(steps.of(mode)), *some] for mode, some in page.ways.items()
                    }
                    page = page._replace(ways=ways)
                yield page

    async def _retire(self, directions: Mapping[Mode, Direction]) -> None:
        """Retires delivered sources, and settles folders in which nothing is left to do."""
        direction = next(iter(directions.values()))  # in a two-way job nothing is retired
        await direction.retire(self._planning.settle(self._survey.touched()))

    async def _hold(self, directions: Mapping[Mode, Direction]) -> None:
        """Reports what the guards hold now."""
        for mode, direction in directions.items():
            if held := direction.guard.held():
                # The base grows in the run, and after a reset it lacks what is held.
                agreed, _ = await self._world.offload(self._memory.folders.counts)
                self.report.hold(mode, replace(held, tree=agreed + self._planning.found))

    async def preview(self, *, spent: int = 0, refused: int = 0) -> RunReport:
        """Stores the steps that `execute` would do, to be read in pages, and does none of them.

        The totals count the steps by kind, bytes and overwrites; `held` is 1 if the guard would
        hold the run; `waiting` counts files that still change.

        Args:
            spent: as for `execute`.
            refused: as for `execute`.

        Raises:
            ProblemError: a side cannot be reached.
        """
        opened = await self._open(preview=True)
        planned, run = self._memory.planned, self.report.run
        await self._world.offload(planned.begin, run, self._rules.name, self._world.lived())
        tree, _ = await self._world.offload(self._memory.folders.counts)
        guards = {
            mode: Guard(tree, spent=spent, refused=refused) for mode in self._rules.mode.directions
        }
        self._memory.scope.everything()
        self._memory.scope.begin(self._world.steady())
        totals = {"bytes": 0, "overwrite": 0, "held": 0} | {op.value: 0 for op in Op}
        pages = self._survey.folders(opened.cursor, self.report)
        async for page in self._previewed(pages):
            for mode, actions in _actions(page):
                for action in actions:
                    totals[action.op] += 1
                    totals["bytes"] += action.bytes
                    totals["overwrite"] += action.overwrites and action.op is Op.PUT
                guards[mode].count(actions)
                await self._world.offload(planned.add, run, actions, mode)
        for mode, guard in guards.items():
            await self._count_inside(mode, guard)
        totals["held"] = int(any(guard.held() is not None for guard in guards.values()))
        totals["waiting"] = self._planning.waiting
        await self._world.offload(planned.ready, run, totals)
        self.report.ended = self._world.wall()
        return self.report

    async def _previewed(self, pages: AsyncIterator[list[FolderState]]) -> AsyncIterator[StepPage]:
        async for page in self._planning.steps(pages, defer=False):
            yield page
        if self._moves is not None:
            renames: list[Action] = []
            waited = self._moves.previewed(renames)
            async for page in self._planning.steps(waited, defer=False):
                yield page
            yield StepPage({self._rules.mode: [Steps(renames)]})

    async def _open(self, *, preview: bool = False) -> OpenedSides:
        opened = await open_sides(
            self._rules, self._near, self._far, self._memory, self._world, self._on_events
        )
        if opened.folds:
            self._planning.keep_distinct()
        # A preview's survey overwrites what was seen of a source, so it must be checked before it;
        # but a preview takes no file away from what is only a destination.
        if opened.suspects and (self._rules.mode.sends or not preview):
            await Verification(self._context, self._near, self._on_events)(opened.suspects)
        return opened

    def _judge_room(self) -> None:
        """Holds the run if a destination's disk is full.

        All files that wait for room are tried again together with the smallest of them; at once,
        when that one is gone.
        """
        for room in self._memory.rooms.values():
            self._judge(room)

    def _judge(self, room: DestinationRoom) -> None:
        failures = self._memory.failures
        room.end(waits=room.smallest is not None and failures.knows(room.smallest.path))
        if room.smallest is None:
            if room.passed:
                self.report.look_again(0.0)
            return
        self.report.errors += room.passed
        if room.full:
            failures.retry_at(Code.DISK_FULL, self._world.steady() + PROBE)
            self.report.fill(room.smallest.problem)
        elif (failure := failures.get(room.smallest.path)) and failure.next_at is not None:
            failures.retry_at(Code.DISK_FULL, failure.next_at)

    # -- steps that waited for the end of the survey -----------------------------------------------

    async def _rename(self, opened: OpenedSides, directions: Mapping[Mode, Direction]) -> None:
        """Renames what was renamed at the source, and does the steps that waited for that."""
        if self._moves is None or not self._moves.pending:
            return
        if (await self._open()).binding != opened.binding:
            return  # a side was replaced since the survey
        [direction] = directions.values()
        await follow(directions, self._planning.steps(self._moves.pages(direction)))

    async def _execute_deferred(
        self, opened: OpenedSides, directions: Mapping[Mode, Direction]
    ) -> None:
        """Deletes, and replaces files by folders or the reverse.

        In each direction it is all or none, as its guard says.
        """
        if not self._planning.deferred:
            return
        if self._survey.missed or not self._survey.complete:
            self.report.waiting = self._planning.deferred
            return  # a survey with gaps must delete nothing
        passed = [one for one in directions.values() if await self._passes(one)]
        if not passed or (await self._open()).binding != opened.binding:
            return  # a side was replaced since the survey, so its results do not hold for this one
        for direction in passed:
            async for actions in self._deferred_steps(direction.mode, backwards=True):
                await direction.delete([one for one in actions if one.op is Op.DELETE])
        for direction in passed:
            await direction.follow(self._replacements(direction.mode), counted=True)
        if self._planning.postponed:
            self.report.look_again(0.0)  # what was in the way is gone now

    async def _passes(self, direction: Direction) -> bool:
        """Whether the guard lets the deferred steps of a direction pass."""
        guard = direction.guard
        async for actions in self._deferred_steps(direction.mode):
            guard.count(actions)
        await self._count_inside(direction.mode, guard)
        if held := guard.held():
            self.report.hold(direction.mode, held)
        return held is None

    async def _replacements(self, direction: Mode) -> AsyncIterator[Steps]:
        async for actions in self._deferred_steps(direction):
            yield Steps([action for action in actions if action.op is not Op.DELETE])

    async def _count_inside(self, direction: Mode, guard: Guard) -> None:
        """Counts the files in folders that would be replaced; both sides must be surveyed."""
        if not self._planning.replaces_folders:
            return
        async for actions in self._deferred_steps(direction):
            inside = await self._world.offload(self._planning.inside, direction, actions)
            guard.replace_folders(inside)

    async def _deferred_steps(
        self, direction: Mode, *, backwards: bool = False
    ) -> AsyncIterator[list[Action]]:
        """The deferred steps. Backwards, what is below a folder comes before the folder itself."""
        planned, run = self._memory.planned, self.report.run
        turn = planned.back if backwards else planned.page
        mark = 2**62 if backwards else 0
        while (
            page := await self._world.offload(turn, run, mark, PAGE, direction)
        ) and page.actions:
            mark = page.actions[-1].number
            actions = [one.action for one in page.actions]
            if self._moves is not None and self._moves.done:
                actions = await self._world.offload(self._moves.still_true, actions)
            yield actions


def _actions(page: StepPage) -> Iterator[tuple[Mode, Sequence[Action]]]:
    """The steps of a preview's page; a conflict counts as one of the upload."""
    for mode, ways in page.ways.items():
        yield from ((mode, steps.actions) for steps in ways)
    if page.conflicts:
        yield Mode.UPLOAD, page.conflicts
