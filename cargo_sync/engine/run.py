"""One run of a job: survey -> plan -> execute -> commit.

A pause, a cut or a kill may stop a run anywhere: the next look sees again what is not committed.
Only observations and agreements are stored, never work to do.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from cargo_sync.engine.binding import OpenedSides, open_sides, put_base_aside
from cargo_sync.engine.commit import Commit, OnEvents
from cargo_sync.engine.conflicts import ConflictResolution
from cargo_sync.engine.context import JobMemory, RunContext
from cargo_sync.engine.execution.both_ways import follow
from cargo_sync.engine.execution.direction import Direction
from cargo_sync.engine.execution.moving import Moves
from cargo_sync.engine.planners.arrived import WithArrived
from cargo_sync.engine.planners.contract import FolderPlanner
from cargo_sync.engine.planners.deferred import Deferred, planned_steps
from cargo_sync.engine.planners.holding import HoldingPlanner
from cargo_sync.engine.planners.links import WithoutLinks
from cargo_sync.engine.planners.one_way import OneWayPlanner
from cargo_sync.engine.planners.two_way import TwoWayPlanner
from cargo_sync.engine.planning import Planning, StepPage, Steps
from cargo_sync.engine.report import RunProgress, RunReport
from cargo_sync.engine.survey import Survey
from cargo_sync.engine.verification import Verification
from cargo_sync.machines.room import PROBE, DestinationRoom
from cargo_sync.model.abilities import CARGO
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import LINK
from cargo_sync.model.jobs import Mode, Rules
from cargo_sync.model.problems import FENCES, NO_ROOM, Code
from cargo_sync.model.world import World
from cargo_sync.model.xattrs import keeps_none
from cargo_sync.plan.guard import taken_back
from cargo_sync.state.folders import FolderState
from cargo_sync.trees.contract import FarTree, NearTree


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
        self._server = CARGO
        self._context = RunContext(
            rules,
            memory,
            world,
            self.report,
            self.progress,
            lambda: far.newest,
            lambda: self._server,
        )
        self._survey = Survey(near, far, memory, world)
        self._moves: Moves
        self._deferred = {
            mode: Deferred(self._context, mode, near) for mode in rules.mode.directions
        }
        self._planning = Planning(self._context, self._planner(), self._deferred)
        self._conflicts = ConflictResolution(self._context, near, far, on_events)

    async def execute(self, *, approved: Collection[Code] = (), again: str = "") -> RunReport:
        """Makes the destination follow the source; in a two-way job, both sides follow each other.

        Args:
            approved: problems that a person has seen. DAMAGED: source files that an unclean stop
                has damaged are sent as they are. One of FENCES: both sides are compared afresh.
            again: a comparison (`SideComparison`): a person wants what differed to be delivered
                again.

        Raises:
            ProblemError: a side cannot be reached, the connection was cut, or a person must approve
                first (FENCES). What was committed stays.
        """
        if not FENCES.isdisjoint(approved):
            await put_base_aside(self._rules, approved, self._memory, self._world, self._on_events)
        if Code.DAMAGED in approved:
            await self._world.offload(self._memory.suspects.release)
        opened = await self._open()
        if self._rules.xattrs and opened.no_xattrs:
            self.report.notice(keeps_none(opened.no_xattrs))
        for room in self._memory.rooms.values():
            room.begin()
        directions = await self._directions(opened)
        if again:
            for direction in directions.values():
                await direction.follow(self._deliverable(again, direction.mode), counted=True)
        hinted = self._memory.scope.begin(self._world.steady())
        pages = self._survey.folders(opened.cursor, self.report, hinted, afresh=opened.afresh)
        await follow(directions, self._resolved(self._planning.steps(pages)))
        await self._rename(opened, directions)
        await self._execute_deferred(opened, directions)
        self.report.drifted = await self._planning.drift()
        await self._retire(directions)
        await self._name_tree()
        if self._rules.mode is Mode.BIDIRECTIONAL:
            await self._conflicts.finish()
        if self._survey.complete:
            gone = self._planning.forget_old_failures(self._survey.missed)
            if gone:
                await self._world.offload(self._memory.transfers.take_up, self._memory.job_id, gone)
        self._judge_room()  # after that: a file that is gone waits for no room
        self.report.ended = self._world.wall()
        return self.report

    def _planner(self) -> FolderPlanner:
        mode = self._rules.mode
        inner: FolderPlanner
        if mode is Mode.BIDIRECTIONAL:
            inner = TwoWayPlanner(self._context, self._near, self._far)
        else:
            inner = OneWayPlanner(self._context, mode)
        if mode.sends:
            inner = WithArrived(self._context, inner, self._far)
            inner = WithoutLinks(self._context, inner)
        planner = HoldingPlanner(self._context, inner)
        sources = {
            direction: self._near if direction is Mode.UPLOAD else self._far
            for direction in mode.directions
        }
        self._moves = Moves(self._context, planner, sources, self._survey.missed)
        return planner

    async def _directions(self, opened: OpenedSides) -> dict[Mode, Direction]:
        directions = {}
        for mode, deferred in self._deferred.items():
            await deferred.begin()
            directions[mode] = Direction(
                mode,
                self._context,
                self._near,
                self._far,
                deferred,
                self._on_events,
                xattrs=self._rules.xattrs and not opened.no_xattrs,
            )
        return directions

    async def _resolved(
        self, pages: AsyncGenerator[StepPage, None]
    ) -> AsyncGenerator[StepPage, None]:
        """The same pages, with the steps that resolve their conflicts; those come first."""
        commit = Commit(self._context, Mode.UPLOAD, self._on_events)
        async with aclosing(pages):
            async for page in pages:
                if page.told:
                    await commit(page.told)
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

    async def _name_tree(self) -> None:
        """Says of what is held in how large a tree it is.

        The base grows in the run, and after a reset it lacks what is held.
        """
        if self.report.approvable:
            agreed, _ = await self._world.offload(self._memory.folders.counts)
            tree = agreed + self._planning.found
            for mode, held in self.report.holds.items():
                self.report.holds[mode] = replace(held, tree=max(held.tree, tree))

    async def preview(self) -> RunReport:
        """Stores the steps that `execute` would do, to be read in pages, and does none of them.

        The totals count the steps by kind, bytes and overwrites; `held` is 1 if the guard would
        hold the run; `waiting` counts files that still change.

        Raises:
            ProblemError: a side cannot be reached.
        """
        opened = await self._open(preview=True)
        planned, run = self._memory.planned, self.report.run
        await self._world.offload(planned.begin, run, self._rules.name, self._world.lived())
        for deferred in self._deferred.values():
            await deferred.begin()
        self._memory.scope.everything()
        self._memory.scope.begin(self._world.steady())
        totals = {"bytes": 0, "overwrite": 0, "held": 0} | {op.value: 0 for op in Op}
        pages = self._survey.folders(opened.cursor, self.report, afresh=opened.afresh)
        async for page in self._previewed(pages):
            for mode, actions in _actions(page):
                for action in actions:
                    totals[action.op] += 1
                    totals["bytes"] += action.bytes
                    totals["overwrite"] += action.overwrites and action.op is Op.PUT
                await self._deferred[mode].weigh(actions)
                await self._world.offload(planned.add, run, actions, mode)
        if self._planning.replaces_folders:  # both sides must be surveyed
            for mode, deferred in self._deferred.items():
                async for steps in planned_steps(planned, run, mode, self._world.offload):
                    await deferred.weigh_inside(steps, partial(self._planning.inside, mode))
        totals["held"] = int(any(deferred.held for deferred in self._deferred.values()))
        totals["waiting"] = self._planning.waiting
        await self._world.offload(planned.ready, run, totals)
        self.report.ended = self._world.wall()
        return self.report

    async def _previewed(self, pages: AsyncIterator[list[FolderState]]) -> AsyncIterator[StepPage]:
        async for page in self._planning.steps(pages, defer=False):
            yield page
        renames: dict[Mode, list[Action]] = {mode: [] for mode in self._rules.mode.directions}
        waited = self._moves.previewed(renames)
        async for page in self._planning.steps(waited, defer=False):
            yield page
        yield StepPage({mode: [Steps(some)] for mode, some in renames.items()})

    async def _open(self, *, preview: bool = False) -> OpenedSides:
        opened = await open_sides(
            self._rules, self._near, self._far, self._memory, self._world, self._on_events
        )
        self._server = opened.server
        self.report.reached = True
        for direction in opened.distinct:
            self._planning.keep_distinct(direction)
        # A preview's survey overwrites what was seen of a source, so it must be checked before it;
        # but a preview takes no file away from what is only a destination.
        if opened.suspects and (self._rules.mode.sends or not preview):
            await Verification(self._context, self._near, self._on_events)(opened.suspects)
        return opened

    def _judge_room(self) -> None:
        """Holds the run if a destination's disk is full, or its quota used up.

        All files that wait for room are tried again together with the smallest of them; at once,
        when that one is gone.
        """
        for room in self._memory.rooms.values():
            self._judge(room)

    def _judge(self, room: DestinationRoom) -> None:
        failures = self._memory.failures
        room.end(waits=room.smallest is not None and self._waits(room, room.smallest.path))
        if room.smallest is None:
            if room.passed:
                self.report.look_again(0.0)
            return
        self.report.errors += room.passed
        if room.full:
            failures.retry_at(NO_ROOM, self._world.steady() + PROBE)
            self.report.fill(room.smallest.problem)
        elif (failure := failures.get(room.smallest.path)) and failure.next_at is not None:
            failures.retry_at(NO_ROOM, failure.next_at)

    def _waits(self, room: DestinationRoom, path: str) -> bool:
        """Whether the smallest file still waits for room.

        What failed at its path may go in the other direction by now: then nobody tries it in this
        one, and all others would wait for it for ever.
        """
        unseen = not self._survey.complete or path in self._survey.missed
        return self._memory.failures.knows(path) and (room.met or unseen)

    # -- steps that waited for the end of the survey -----------------------------------------------

    async def _rename(self, opened: OpenedSides, directions: Mapping[Mode, Direction]) -> None:
        """Renames what was renamed at the source, and does the steps that waited for that."""
        if self._moves.pending and (await self._open()).binding != opened.binding:
            return  # a side was replaced since the survey
        while self._moves.pending:
            steps = self._planning.steps(self._moves.pages(directions))
            await follow(directions, self._resolved(steps))

    async def _execute_deferred(
        self, opened: OpenedSides, directions: Mapping[Mode, Direction]
    ) -> None:
        """Deletes, overwrites, and replaces files by folders or the reverse.

        In each direction it is all or none, as its guard says.
        """
        if self._planning.replaces_folders:
            await self._look_again(opened)
        # A survey with gaps must delete nothing.
        gaps = bool(self._survey.missed) or not self._survey.complete
        for mode, direction in directions.items():
            await direction.deferred.judge(partial(self._planning.inside, mode), gaps=gaps)
        waiting = [direction for direction in directions.values() if direction.deferred.count]
        # If a side was replaced since the survey, its results do not hold for this one.
        if waiting and (await self._open()).binding == opened.binding:
            for direction in waiting:
                async for actions in direction.deferred.rejected():
                    await direction.forget(actions)
                    await _take_back(actions, direction, directions)
                async for actions in direction.deferred.passing(backwards=True):
                    await direction.delete(actions, self._planning.unclear)
            for direction in waiting:
                await direction.follow(_replacements(direction), counted=True)
            if self._planning.postponed and not gaps:
                self.report.look_again(0.0)  # what was in the way is gone now
        for direction in directions.values():
            self.report.waiting += direction.deferred.waiting
            await direction.deferred.end()

    async def _look_again(self, opened: OpenedSides) -> None:
        """Looks at the folders that steps would replace: what is in them now counts."""
        replaced = {mode: await one.replaced() for mode, one in self._deferred.items()}
        if not any(replaced.values()) or (again := await self._open()).binding != opened.binding:
            return
        cursor = again.cursor if replaced.get(Mode.UPLOAD) else -1
        near = replaced.get(Mode.DOWNLOAD, ())
        await self._survey.look_again(near, cursor, self.report, afresh=again.afresh)

    async def _deliverable(self, comparison: str, direction: Mode) -> AsyncIterator[Steps]:
        """What a comparison found to differ, as far as it can be delivered again."""
        planned, offload = self._memory.planned, self._world.offload
        async for steps in planned_steps(planned, comparison, direction, offload):
            yield Steps(
                [one for one in steps if one.op is Op.PUT and self._may_put(one, direction)]
            )

    def _may_put(self, action: Action, direction: Mode) -> bool:
        """Whether the destination can have something of this kind."""
        is_link = action.source is not None and action.source.kind == LINK
        return not is_link or direction is Mode.DOWNLOAD or self._server.links


async def _take_back(
    rejected: Sequence[Action], direction: Direction, directions: Mapping[Mode, Direction]
) -> None:
    """In a two-way job, rejected overwrites are undone where they come from."""
    actions = taken_back(rejected)
    for other in directions.values():
        if other is not direction and actions:
            await other.follow(_only(Steps(actions)), counted=True)


async def _only(steps: Steps) -> AsyncIterator[Steps]:
    yield steps


async def _replacements(direction: Direction) -> AsyncIterator[Steps]:
    async for actions in direction.deferred.passing():
        yield Steps(actions)


def _actions(page: StepPage) -> Iterator[tuple[Mode, Sequence[Action]]]:
    """The steps of a preview's page; a conflict counts as one of the upload."""
    for mode, ways in page.ways.items():
        yield from ((mode, steps.actions) for steps in ways)
    if page.conflicts:
        yield Mode.UPLOAD, page.conflicts
