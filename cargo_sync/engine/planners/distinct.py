"""Where a file system does not tell some names apart, those that come to it later wait."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from cargo_sync.engine.planners.contract import FolderPlanner, PlannedFolder
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import AgreedColumns
from cargo_sync.model.entries import FOLDER, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import name_collision
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.collisions import collisions
from cargo_sync.plan.one_way import JobView
from cargo_sync.state.folders import FolderState


class DistinctNames:
    """A planner that sees only names of a direction's source that its destination can have.

    Others fail alone, and nothing below them is planned. A large folder is looked at part by part:
    names of different parts are told apart only when they arrive (`occupied`).
    """

    def __init__(self, planner: FolderPlanner, direction: Mode) -> None:
        self._planner = planner
        self._direction = direction
        self._held = Subtrees()

    def begin(self, *, preview: bool = False) -> None:
        self._held = Subtrees()
        self._planner.begin(preview=preview)

    def view(self, direction: Mode) -> JobView:
        return self._planner.view(direction)

    async def plan(self, page: Sequence[FolderState], *, final: bool) -> list[PlannedFolder]:
        seen: list[FolderState] = []
        waiting: dict[tuple[str, str], list[Outcome]] = {}
        for state in page:
            if state.path in self._held:
                continue
            source, there = self._ends(state)
            names = _colliding(source, there, state.agreed)
            seen.append(self._without(state, names) if names else state)
            waiting[state.path, state.first] = outcomes = _refused(state.path, source, names)
            for outcome in outcomes:
                self._held.add(outcome.action.path)
        planned = await self._planner.plan(seen, final=final)
        return [self._with(one, waiting[one.state.path, one.state.first]) for one in planned]

    def _with(self, planned: PlannedFolder, refused: Sequence[Outcome]) -> PlannedFolder:
        """The plan of a folder, with the names of it that wait; those not due are only counted."""
        if not refused:
            return planned
        due = self._planner.view(self._direction).due
        told = [
            one for one in refused if one.action.source and due(one.action.path, one.action.source)
        ]
        return replace(
            planned,
            failed=[*planned.failed, *told],
            postponed=planned.postponed + len(refused) - len(told),
        )

    def _ends(self, state: FolderState) -> Sequence[EntryColumns | None]:
        """The listings of the source and of the destination."""
        return state.sides if self._direction is Mode.UPLOAD else state.sides[::-1]

    def _without(self, state: FolderState, names: Collection[str]) -> FolderState:
        """The folder as if the source did not have these names."""
        source, _ = self._ends(state)
        rest = EntryColumns.of([entry for entry in source or () if entry.name not in names])
        near, far = state.listings
        if self._direction is Mode.UPLOAD:
            return state._replace(listings=(rest.encode(), far))
        return state._replace(listings=(near, rest.encode()))


def _colliding(
    source: EntryColumns | None, there: EntryColumns | None, base: AgreedColumns | None
) -> dict[str, str]:
    if source is None:
        return {}
    return collisions(source, there or EntryColumns.nothing(), base or AgreedColumns.nothing())


def _refused(folder: str, source: EntryColumns | None, names: Mapping[str, str]) -> list[Outcome]:
    refused = []
    for entry in (source or ()) if names else ():
        if (first := names.get(entry.name)) is not None:
            path = paths.join(folder, entry.name)
            step = Action(Op.MKDIR if entry.kind == FOLDER else Op.PUT, path, entry)
            refused.append(Outcome(step, problem=name_collision(path, first)))
    return refused
