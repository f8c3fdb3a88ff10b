"""The survey: looks at both sides, stores what they contain, and finds what differs.

Only observations are stored. A folder that did not change since the last look, and needs no further
steps, costs one comparison.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

from cargo_sync.engine.context import JobMemory
from cargo_sync.engine.report import RunReport
from cargo_sync.model import paths
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Problem
from cargo_sync.model.world import World
from cargo_sync.state.folders import FolderState
from cargo_sync.trees.contract import Delta, Missed, Observation, Tree, Whole

PAGE = 100
PART = 2**20
"""Characters of paths that are stored in one transaction."""

_Changes = Sequence[tuple[str, Entry | None]]


class Survey:
    """One look at both sides.

    missed    folders that could not be read: nothing is known about them and what is below them
    complete  both sides were read to the end
    """

    def __init__(self, near: Tree, far: Tree, memory: JobMemory, world: World) -> None:
        self._near = near
        self._far = far
        self._memory = memory
        self._world = world
        self._after: bytes | None = None
        self._refused: Sequence[Problem] = ()
        self.missed: set[str] = set()
        self.complete = False

    async def folders(self, cursor: int, report: RunReport) -> AsyncIterator[list[FolderState]]:
        """Folders that are not settled, in component order, each when both of its sides are known.

        Args:
            cursor: the far side's sequence up to which the state has its changes.
            report: gets the problems and the time.

        Raises:
            ProblemError: a side cannot be reached.
        """
        steady = self._world.steady
        began, away = steady(), 0.0
        async for seen in self._far.observe(cursor):
            await self._write_down(seen, report, near=False)
        report.leave_out(self._refused)
        async for seen in self._near.observe(0):
            await self._write_down(seen, report, near=True)
            # All folders before the last one are known on both sides: they need not wait for the
            # rest of the survey.
            assert not isinstance(seen, Delta)
            async for page in self._unsettled(upto=paths.key(seen[-1].path)):
                left = steady()
                yield page
                away += steady() - left  # the caller may have waited for content to move
        report.surveyed = steady() - began - away
        self.complete = True
        async for page in self._unsettled(upto=None):
            yield page

    async def touched(self) -> AsyncIterator[list[FolderState]]:
        """All folders that are still not settled, from the state."""
        self._after = None
        async for page in self._unsettled(upto=None):
            yield page

    async def _unsettled(self, upto: bytes | None) -> AsyncIterator[list[FolderState]]:
        folders = self._memory.folders
        while page := await self._world.offload(folders.unsettled, self._after, upto, PAGE):
            self._after = paths.key(page[-1].path)
            if known := [state for state in page if not self.is_missed(state.path)]:
                yield known

    def is_missed(self, path: str) -> bool:
        """Whether nothing is known about `path`, because it or a folder above could not be read."""
        return bool(self.missed) and (
            "" in self.missed or any(one in self.missed for one in paths.upwards(path))
        )

    async def _write_down(self, seen: Observation, report: RunReport, *, near: bool) -> None:
        folders, offload = self._memory.folders, self._world.offload
        if isinstance(seen, Delta):
            *parts, last = _parts(seen.changes)
            for part in parts:
                async with self._memory.listing:
                    await offload(folders.observe_far, part)
            async with self._memory.listing:
                self._refused = await offload(folders.observe_far, last, seen.refused)
            await offload(
                self._memory.jobs.set_far_cursor, self._memory.name, seen.cursor, seen.lineage
            )
            report.advanced |= bool(seen.changes)
            return
        whole = [one for one in seen if isinstance(one, Whole)]
        for one in seen:
            if isinstance(one, Missed):
                self.missed.add(one.path)
                report.miss(one.problem)
            else:
                report.leave_out(one.problems)
        listings = [(one.path, one.listing) for one in whole]
        await offload(folders.observe_near if near else folders.observe_far_whole, listings)


def _parts(changes: _Changes) -> list[_Changes]:
    """The changes in parts: other jobs wait for the state while one is written.

    Nearly always there is one part, but a page of the longest paths is as much work as hundreds of
    ordinary ones.
    """
    starts, size = [0], 0
    for index, (path, _) in enumerate(changes):
        if size > PART:
            starts.append(index)
            size = 0
        size += len(path)
    return [changes[start:end] for start, end in pairwise([*starts, len(changes)])]
