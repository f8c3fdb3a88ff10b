"""Where a server has no symbolic links, those of the local folder are left out, as by a filter.

What is at such a path on the server stays there, and so does all that is below it: a person may
have put a link in the place of a folder that was delivered. Both sides forget it until the link is
gone. Then a two-way job brings it back, level by level.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.planners.contract import FolderPlanner, PlannedFolder
from cargo_sync.engine.planners.holding import narrowed
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import LINK
from cargo_sync.model.jobs import Mode
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.one_way import FolderPlan, JobView
from cargo_sync.state.folders import FolderState

LEFT_OUT: Final = "the server has no symbolic links"
_LINK: Final = f'"{LINK}"'.encode()


class WithoutLinks:
    """A planner that does not see the local links, nor what they hide, if the server has none."""

    def __init__(self, context: RunContext, planner: FolderPlanner) -> None:
        self._inner = planner
        self._server = context.server
        self._report = context.report
        self._folders = context.memory.folders
        self._offload = context.world.offload
        self._hidden = Subtrees()
        """Paths of links: the server may have folders there."""
        self._absent = Subtrees()
        """Folders of the server that the local side does not have, and no link hides."""

    def begin(self, *, preview: bool = False) -> None:
        self._hidden, self._absent = Subtrees(), Subtrees()
        self._inner.begin(preview=preview)

    def view(self, direction: Mode) -> JobView:
        return self._inner.view(direction)

    async def plan(self, page: Sequence[FolderState], *, final: bool) -> list[PlannedFolder]:
        if self._server().links:
            return await self._inner.plan(page, final=final)
        links = await self._offload(self._left_out, page)
        hidden = [state for state in page if state.path in self._hidden]
        seen = [
            _without(state, names) if (names := links.get(_id(state))) else state
            for state in page
            if state.path not in self._hidden
        ]
        whole = {_id(state): state for state in page}
        planned = [_forgotten(PlannedFolder(state), _agreed(state)) for state in hidden]
        for folder in await self._inner.plan(seen, final=final):
            state = whole[_id(folder.state)]
            names = links.get(_id(state), set())
            if not final:
                for name in sorted(names):
                    self._report.leave_out_link(paths.join(state.path, name))
            planned.append(_forgotten(replace(folder, state=state), names & _agreed(state)))
        return planned

    def _left_out(self, page: Sequence[FolderState]) -> dict[tuple[str, str], set[str]]:
        """The names of links, by folder; notes what they hide. In a thread."""
        found: dict[tuple[str, str], set[str]] = {}
        for state in page:
            listing = state.listings[0]
            if listing is None:
                self._look_above(state.path)
            elif _LINK in listing and (near := state.sides[0]) is not None:
                names = zip(near.names, near.kinds, strict=True)
                found[_id(state)] = links = {name for name, kind in names if kind == LINK}
                for name in links:
                    self._hidden.add(paths.join(state.path, name))
        return found

    def _look_above(self, path: str) -> None:
        """Notes whether a link hides a folder that is not there on the local side."""
        if path in self._hidden or path in self._absent:
            return
        top = path
        while top:
            near, *_ = self._folders.entry(top)
            if near is not None:
                break
            path, top = top, paths.parent(top)
        if top and near is not None and near.kind == LINK:
            self._hidden.add(top)
        else:
            self._absent.add(path)


def _id(state: FolderState) -> tuple[str, str]:
    return state.path, state.first


def _agreed(state: FolderState) -> set[str]:
    return set(state.agreed.names) if state.agreed else set()


def _without(state: FolderState, links: set[str]) -> FolderState:
    near, far = state.sides
    names = {*(near.names if near else ()), *(far.names if far else ()), *_agreed(state)}
    return narrowed(state, names - links)


def _forgotten(planned: PlannedFolder, names: set[str]) -> PlannedFolder:
    """The plan of a folder, in which these names are agreed on no more."""
    if not names:
        return planned
    folder = planned.state.path
    plan = planned.ways.get(Mode.UPLOAD, FolderPlan())
    steps = [Action(Op.FORGET, paths.join(folder, name), why=LEFT_OUT) for name in sorted(names)]
    ways = {**planned.ways, Mode.UPLOAD: replace(plan, now=[*plan.now, *steps])}
    return replace(planned, ways=ways)
