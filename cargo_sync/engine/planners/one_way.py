"""The planner of a job in which one side follows the other."""

from collections.abc import Sequence
from typing import Final

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.planners.contract import PlannedFolder
from cargo_sync.engine.planners.views import view_now
from cargo_sync.model.actions import Op
from cargo_sync.model.agreed import (
    AgreedColumns,
    far_surely_as_agreed,
    names_surely_in,
    near_surely_as_agreed,
)
from cargo_sync.model.entries import DAMAGED, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.one_way import JobView, plan_folder
from cargo_sync.state.folders import FolderState

_DAMAGED: Final = DAMAGED.encode()
_NOTHING_THERE: Final = EntryColumns.nothing()
_NOTHING_AGREED: Final = AgreedColumns.nothing()


class OneWayPlanner:
    """Plans one direction, UPLOAD or DOWNLOAD."""

    def __init__(self, context: RunContext, direction: Mode) -> None:
        self._context = context
        self._direction = direction
        self._upload = direction is Mode.UPLOAD
        self._filters = Filters(context.rules.include, context.rules.exclude)
        self._replaced = Subtrees()
        self.begin()

    def begin(self, *, preview: bool = False) -> None:
        self._view = view_now(self._context, self._filters, self._direction, preview=preview)

    def view(self, direction: Mode) -> JobView:
        return self._view

    async def plan(self, page: Sequence[FolderState], *, final: bool) -> list[PlannedFolder]:
        # A file is still in the place of a replaced folder: the next look plans what is in it.
        return [self._planned(state) for state in page if state.path not in self._replaced]

    def _planned(self, state: FolderState) -> PlannedFolder:
        if self._is_settled(state):
            return PlannedFolder(state)
        source, destination = state.sides if self._upload else reversed(state.sides)
        plan = plan_folder(
            state.path,
            source or _NOTHING_THERE,
            destination or _NOTHING_THERE,
            state.agreed or _NOTHING_AGREED,
            self._view,
        )
        for action in plan.later:
            if action.op is Op.MKDIR:
                self._replaced.add(action.path)
        return PlannedFolder(state, {self._direction: plan})

    def _is_settled(self, state: FolderState) -> bool:
        """Whether it is sure, without a look at its entries, that nothing is left to do."""
        base, (near, far) = state.agreements, state.listings
        source, destination = (near, far) if self._upload else (far, near)
        if base is None or source is None or self._view.retire or _DAMAGED in (destination or b""):
            return False
        if not (near_surely_as_agreed if self._upload else far_surely_as_agreed)(base, source):
            return False
        return includes_all(self._view, state.path, source)


def includes_all(view: JobView, folder: str, listing: bytes) -> bool:
    """Whether it is sure that no name of an encoded listing is left out."""
    names = names_surely_in(listing)
    some = names is None or view.outside(folder) or view.excludes_some(folder, names)
    return not some
