"""Obstacles: files that people have put where a one-way job needs a folder make room for it."""

from collections.abc import Mapping, Sequence
from typing import Final

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.planners.deferred import Deferred
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.plan.obstacles import Sides, obstacle
from cargo_sync.trees.contract import NearTree

_IN_THE_WAY: Final = frozenset({Code.NOT_A_FOLDER, Code.SYMLINK})


class Obstacles:
    """What stood in the way of steps in one run of a one-way job.

    The steps that make room wait with those that displace other kinds: the guard judges them. What
    failed because of it is planned again when there is room.
    """

    def __init__(
        self, context: RunContext, direction: Mode, deferred: Deferred, near: NearTree
    ) -> None:
        self._near = near
        self._folders = context.memory.folders
        self._world = context.world
        self._upload = direction is Mode.UPLOAD
        self._deferred = deferred
        self._known: set[str] = set()

    async def before(self, outcomes: Sequence[Outcome]) -> frozenset[str]:
        """The paths of these steps that failed because something stands in their way."""
        failed = [
            one.action.path for one in outcomes if one.problem and one.problem.code in _IN_THE_WAY
        ]
        if not failed or self._deferred.judged:
            return frozenset()
        there = {} if self._upload else await self._local(failed)
        found = await self._world.offload(self._find, failed, there)
        new = {one.path: one for one in found.values() if one.path not in self._known}
        if new:
            self._known |= new.keys()
            await self._deferred.add(list(new.values()))
        return frozenset(found)

    async def _local(self, failed: Sequence[str]) -> dict[str, Entry | None]:
        """What is above these paths in the local folder: a download seldom looks at all of it."""
        above = {one for path in failed for one in paths.upwards(paths.parent(path))}
        there = await self._near.entries(list(above))
        known = zip(above, there, strict=True)
        return {path: None if isinstance(one, Problem) else one for path, one in known}

    def _find(self, failed: Sequence[str], there: Mapping[str, Entry | None]) -> dict[str, Action]:
        """By the path of what failed, the step that makes room for it."""

        def sides(path: str) -> Sides:
            near, far, _ = self._folders.entry(path)
            return (near, far) if self._upload else (far, there.get(path))

        folders = {paths.parent(path): path for path in failed}
        steps = {folder: obstacle(path, sides) for folder, path in folders.items()}
        found = ((path, steps[paths.parent(path)]) for path in failed)
        return {path: step for path, step in found if step is not None}
