"""Where the local file system does not tell some names apart, those that come later wait."""

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
    """A planner that sees only names of the far side that the near side can have.

    Others fail alone, and nothing below them is planned. A large folder is looked at part by part:
    names of different parts are told apart only when they arrive (`occupied`).
    """

    def __init__(self, planner: FolderPlanner) -> None:
        self._planner = planner
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
            names = _colliding(state)
            seen.append(_without(state, names) if names else state)
            waiting[state.path, state.first] = outcomes = _refused(state, names)
            for outcome in outcomes:
                self._held.add(outcome.action.path)
        planned = await self._planner.plan(seen, final=final)
        return [self._with(one, waiting[one.state.path, one.state.first]) for one in planned]

    def _with(self, planned: PlannedFolder, refused: Sequence[Outcome]) -> PlannedFolder:
        """The plan of a folder, with the names of it that wait; those not due are only counted."""
        if not refused:
            return planned
        due = self._planner.view(Mode.DOWNLOAD).due
        told = [
            one for one in refused if one.action.source and due(one.action.path, one.action.source)
        ]
        return replace(
            planned,
            failed=[*planned.failed, *told],
            postponed=planned.postponed + len(refused) - len(told),
        )


def _colliding(state: FolderState) -> dict[str, str]:
    near, far = state.sides
    if far is None:
        return {}
    return collisions(far, near or EntryColumns.nothing(), state.agreed or AgreedColumns.nothing())


def _without(state: FolderState, names: Collection[str]) -> FolderState:
    """The folder as if the far side did not have these names."""
    near, _ = state.listings
    rest = EntryColumns.of([entry for entry in state.far or () if entry.name not in names])
    return state._replace(listings=(near, rest.encode()))


def _refused(state: FolderState, names: Mapping[str, str]) -> list[Outcome]:
    refused = []
    for entry in (state.far or ()) if names else ():
        if (first := names.get(entry.name)) is not None:
            path = paths.join(state.path, entry.name)
            step = Action(Op.MKDIR if entry.kind == FOLDER else Op.PUT, path, entry)
            refused.append(Outcome(step, problem=name_collision(path, first)))
    return refused
