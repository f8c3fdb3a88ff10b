"""Uploads that were cut off, and have arrived: what the server has of them is agreed on.

Else our own earlier version would be taken for a change of somebody else's, if the local file has
changed since. It is agreed on before the steps of its folder are done, and those are planned as if
it had been. What is somebody else's is looked at once: then the upload is forgotten.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.planners.contract import FolderPlanner, PlannedFolder
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import AgreedColumns, agree
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.arrived import may_be_what_was_sent
from cargo_sync.plan.one_way import JobView
from cargo_sync.state.folders import FolderState
from cargo_sync.trees.contract import Tree

ARRIVED: Final = "it was sent, and nobody knew whether it had arrived"


class _Perhaps(NamedTuple):
    """What a server has at a path, and what was sent there.

    part  of which folder, or part of a large one
    """

    part: tuple[str, str]
    path: str
    sent: Entry
    far: Entry

    @property
    def outcome(self) -> Outcome:
        content = self.sent.hash
        action = Action(Op.ADOPT, self.path, self.sent, self.far, ARRIVED, hash=content)
        return Outcome(action, self.sent, self.far, content)


class WithArrived:
    """A planner that knows what has arrived at the far side, if that one does not say it itself."""

    def __init__(self, context: RunContext, planner: FolderPlanner, far: Tree) -> None:
        self._inner = planner
        self._far = far
        self._server = context.server
        self._uncertain = context.memory.folders.uncertain
        self._offload = context.world.offload
        self._preview = False

    def begin(self, *, preview: bool = False) -> None:
        self._preview = preview
        self._inner.begin(preview=preview)

    def view(self, direction: Mode) -> JobView:
        return self._inner.view(direction)

    async def plan(self, page: Sequence[FolderState], *, final: bool) -> list[PlannedFolder]:
        arrived = {} if final or self._server().remembers else await self._arrived(page)
        if not arrived:
            return await self._inner.plan(page, final=final)
        known = [_agreed(state, arrived.get(_part(state), ())) for state in page]
        planned = await self._inner.plan(known, final=final)
        return [
            replace(one, arrived=[each.outcome for each in arrived.get(_part(one.state), ())])
            for one in planned
        ]

    async def _arrived(
        self, page: Sequence[FolderState]
    ) -> Mapping[tuple[str, str], Sequence[_Perhaps]]:
        """What has arrived, by folder or part; forgets that in whose place something else is."""
        if not (sent := await self._offload(self._uncertain.all)):
            return {}
        within: dict[str, list[tuple[str, Entry]]] = {}
        for path, one in sent.items():
            within.setdefault(paths.parent(path), []).append((path, one))
        found = [one for state in page for one in _perhaps(state, within.get(state.path, ()))]
        unread = [(one.path, one.far) for one in found if not one.far.hash]
        hashes = await self._far.hashes(unread) if unread else []
        read = {path: content for (path, _), content in zip(unread, hashes, strict=True)}
        arrived: dict[tuple[str, str], list[_Perhaps]] = {}
        others: list[str] = []
        for perhaps in found:
            content = read.get(perhaps.path, perhaps.far.hash)
            if content == perhaps.sent.hash:
                arrived.setdefault(perhaps.part, []).append(perhaps)
            elif isinstance(content, str):
                others.append(perhaps.path)
        if others and not self._preview:
            await self._offload(self._uncertain.end, others)
        return arrived


def _part(state: FolderState) -> tuple[str, str]:
    return state.path, state.first


def _perhaps(state: FolderState, sent: Sequence[tuple[str, Entry]]) -> Iterator[_Perhaps]:
    """What may have arrived in a folder, or part, of what was sent there."""
    if not sent:
        return
    near, far = ({one.name: one for one in side or ()} for side in state.sides)
    base = {one.name: one for one in state.agreed or ()}
    for path, one in sent:
        there = far.get(one.name)
        if there and may_be_what_was_sent(one, near.get(one.name), there, base.get(one.name)):
            yield _Perhaps(_part(state), path, one, there)


def _agreed(state: FolderState, arrived: Sequence[_Perhaps]) -> FolderState:
    """The folder as if these were agreed on."""
    if not arrived:
        return state
    base = {one.name: one for one in state.agreed or ()}
    base |= {one.sent.name: agree(one.sent, one.far, one.sent.hash) for one in arrived}
    columns = AgreedColumns.of(tuple(base[name] for name in sorted(base)))
    return state._replace(agreements=columns.encode())
