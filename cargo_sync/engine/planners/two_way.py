"""The planner of a two-way job: both sides follow each other."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.execution.comparison import SidePair, hashes_of
from cargo_sync.engine.planners.contract import PlannedFolder
from cargo_sync.engine.planners.one_way import includes_all
from cargo_sync.engine.planners.views import view_now
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import AgreedColumns, far_surely_as_agreed, near_surely_as_agreed
from cargo_sync.model.conflicts import Evidence
from cargo_sync.model.entries import DAMAGED, FILE, Entry, EntryColumns
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.model.problems import Problem
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.one_way import JobView
from cargo_sync.plan.reconciliation import Row, TwoWayPlan, TwoWayView
from cargo_sync.plan.two_way import decide, plan_folder
from cargo_sync.state.folders import FolderState
from cargo_sync.trees.contract import FarTree, NearTree, Tree

_DAMAGED: Final = DAMAGED.encode()
_NOTHING_THERE: Final = EntryColumns.nothing()
_NOTHING_AGREED: Final = AgreedColumns.nothing()


_ByPath = dict[str, str | Problem]
"""BLAKE3 in hex; why it cannot be known."""


class _Begun(NamedTuple):
    """A folder whose plan may lack the paths that must be hashed first."""

    state: FolderState
    plan: TwoWayPlan
    closed: frozenset[Mode]
    failed: list[Outcome]


class TwoWayPlanner:
    """Plans both directions. It has files hashed where only their content says what happened."""

    def __init__(self, context: RunContext, near: NearTree, far: FarTree) -> None:
        self._context = context
        self._near = near
        self._far = far
        self._filters = Filters(context.rules.include, context.rules.exclude)
        self._closed = {direction: Subtrees() for direction in DIRECTIONS}
        self.begin()

    def begin(self, *, preview: bool = False) -> None:
        up, down = (
            view_now(self._context, self._filters, direction, preview=preview)
            for direction in DIRECTIONS
        )
        self._view = TwoWayView(up, down)

    def view(self, direction: Mode) -> JobView:
        return self._view.up if direction is Mode.UPLOAD else self._view.down

    async def plan(self, page: Sequence[FolderState], *, final: bool) -> list[PlannedFolder]:
        begun = [self._begun(state) for state in page]
        if not final and any(one.plan.unproven for one in begun):
            await self._prove(begun)
        return [_planned(one) for one in begun]

    def _begun(self, state: FolderState) -> _Begun:
        if self._is_settled(state):
            return _Begun(state, TwoWayPlan(), frozenset(), [])
        near, far = state.sides
        closed = frozenset(
            direction for direction, trees in self._closed.items() if state.path in trees
        )
        plan = plan_folder(
            state.path,
            near or _NOTHING_THERE,
            far or _NOTHING_THERE,
            state.agreed or _NOTHING_AGREED,
            self._view,
            closed,
        )
        for direction, some in zip(DIRECTIONS, (plan.closed_up, plan.closed_down), strict=True):
            for path in some:
                self._closed[direction].add(path)
        return _Begun(state, plan, closed, [])

    def _is_settled(self, state: FolderState) -> bool:
        """Whether it is sure, without a look at its entries, that nothing is left to do."""
        base, (near, far) = state.agreements, state.listings
        if base is None or near is None or far is None or _DAMAGED in far:
            return False
        if not (near_surely_as_agreed(base, near) and far_surely_as_agreed(base, far)):
            return False
        return includes_all(self._view.up, state.path, near)

    async def _prove(self, begun: Sequence[_Begun]) -> None:
        """Adds the steps of paths that only hashes can decide; those are read on both sides."""
        rows = await self._known([row for one in begun for row in one.plan.unproven])
        here, there = await self._both(rows)
        for one in begun:
            unproven, one.plan.unproven[:] = list(one.plan.unproven), []
            for row in unproven:
                near, far = here[row.path], there[row.path]
                if isinstance(near, Problem) or isinstance(far, Problem):
                    problem = near if isinstance(near, Problem) else far
                    assert isinstance(problem, Problem)
                    one.failed.append(_unread(row, problem))
                else:
                    _add(one.plan, decide(row, near, far, self._view, one.closed))

    async def _both(self, rows: Sequence[Row]) -> tuple[_ByPath, _ByPath]:
        """The hashes of both sides. A conflict is kept with both, so those that differ are read."""
        pairs = [
            SidePair(row.path, row.near, row.far)
            for row in rows
            if row.near is not None and row.far is not None and _is_unread(row.near, row.far)
        ]
        here, there = _ByPath(), _ByPath()
        for pair, found in zip(
            pairs, await hashes_of(self._near, self._far, pairs, exact=True), strict=True
        ):
            here[pair.path], there[pair.path] = found
        others = [row for row in rows if row.path not in here]
        here |= await _hashes(self._near, [(row.path, row.near) for row in others])
        there |= await _hashes(self._far, [(row.path, row.far) for row in others])
        return here, there

    async def _known(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows with the hashes of open conflicts: a file that waits is not read each time."""
        conflicts = self._context.memory.conflicts
        if not conflicts.open:
            return rows
        known = await self._context.world.offload(conflicts.known, [row.path for row in rows])
        return [_with_hashes(row, known.get(row.path)) for row in rows]


def _with_hashes(row: Row, evidence: Evidence | None) -> Row:
    near, far = row.near, row.far
    if evidence is None or near is None or far is None or not evidence.same_sides(near, far):
        return row
    return row._replace(
        near=near._replace(hash=near.hash or evidence.near.hash),
        far=far._replace(hash=far.hash or evidence.far.hash),
    )


def _is_unread(near: Entry, far: Entry) -> bool:
    """Whether both are files of which no hash is known."""
    return near.kind == far.kind == FILE and near.size == far.size and not (near.hash or far.hash)


async def _hashes(side: Tree, files: Iterable[tuple[str, Entry | None]]) -> _ByPath:
    """The hashes of these files by path; "" for what is no file."""
    found = _ByPath()
    unknown = []
    for path, entry in files:
        found[path] = entry.hash if entry is not None else ""
        if entry is not None and entry.kind == FILE and not entry.hash:
            unknown.append((path, entry))
    read = await side.hashes(unknown) if unknown else []
    for (path, _), content in zip(unknown, read, strict=True):
        found[path] = content
    return found


def _unread(row: Row, problem: Problem) -> Outcome:
    return Outcome(Action(Op.ADOPT, row.path, row.near, row.far, "must be read"), problem=problem)


def _add(plan: TwoWayPlan, more: TwoWayPlan) -> None:
    for way, other in ((plan.up, more.up), (plan.down, more.down)):
        way.now.extend(other.now)
        way.later.extend(other.later)
        way.waiting.extend(other.waiting)
    plan.conflicts.extend(more.conflicts)
    plan.unproven.extend(more.unproven)
    plan.postponed.extend(more.postponed)
    plan.unready.extend(more.unready)


def _planned(one: _Begun) -> PlannedFolder:
    plan = one.plan
    if plan.empty and not one.failed:
        return PlannedFolder(one.state)
    return PlannedFolder(
        one.state,
        {Mode.UPLOAD: plan.up, Mode.DOWNLOAD: plan.down},
        plan.conflicts,
        one.failed,
        len(plan.postponed) + len(plan.unproven),
        unclear=bool(one.closed and (plan.unready or one.failed)),
    )
