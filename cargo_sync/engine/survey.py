"""The survey: both sides are looked at, what they hold is written down, and what differs comes out.

Observations are all that is kept of a survey. Folders that hold exactly what they held at the last
look, and of which nothing is left to do, are passed over by one comparison each.
"""

from collections.abc import AsyncIterator

from cargo_sync.engine.context import JobMemory
from cargo_sync.engine.report import RunReport
from cargo_sync.model import paths
from cargo_sync.model.world import World
from cargo_sync.state.folders import FolderState
from cargo_sync.trees.contract import Delta, Missed, Observation, Tree, Whole

PAGE = 100


class Survey:
    """One look at both sides.

    missed    folders of which nothing may be concluded, nor of what is below them
    complete  both sides were seen to their end
    """

    def __init__(self, near: Tree, far: Tree, memory: JobMemory, world: World) -> None:
        self._near = near
        self._far = far
        self._memory = memory
        self._world = world
        self._after: bytes | None = None
        self.missed: set[str] = set()
        self.complete = False

    async def folders(self, cursor: int, report: RunReport) -> AsyncIterator[list[FolderState]]:
        """Folders that are not settled, in component order, as soon as both sides of them are
        known.

        Args:
            cursor: the far side's sequence that is mirrored already.

        Raises:
            ProblemError: one of the sides is out of reach as a whole.
        """
        steady = self._world.steady
        began, away = steady(), 0.0
        async for seen in self._far.observe(cursor):
            await self._write_down(seen, report, near=False)
        async for seen in self._near.observe(0):
            await self._write_down(seen, report, near=True)
            # What comes before the last folder seen is complete on both sides: it need not wait for
            # the rest.
            assert not isinstance(seen, Delta)
            async for page in self._unsettled(upto=paths.key(seen[-1].path)):
                left = steady()
                yield page
                away += (
                    steady() - left
                )  # whoever takes the pages may be waiting for content to move
        report.surveyed = steady() - began - away
        self.complete = True
        async for page in self._unsettled(upto=None):
            yield page

    async def touched(self) -> AsyncIterator[list[FolderState]]:
        """Once more what is not settled, from the state alone."""
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
        """True when nothing may be concluded about `path`."""
        return bool(self.missed) and (
            "" in self.missed or any(one in self.missed for one in paths.upwards(path))
        )

    async def _write_down(self, seen: Observation, report: RunReport, *, near: bool) -> None:
        folders, offload = self._memory.folders, self._world.offload
        if isinstance(seen, Delta):
            await offload(folders.observe_far, seen.changes)
            await offload(
                self._memory.jobs.set_far_cursor, self._memory.name, seen.cursor, seen.lineage
            )
            return
        whole = [one for one in seen if isinstance(one, Whole)]
        for one in seen:
            if isinstance(one, Missed):
                self.missed.add(one.path)
                report.failed_alone(one.problem)
            else:
                for problem in one.problems:
                    report.failed_alone(problem)
        listings = [(one.path, one.listing) for one in whole]
        await offload(folders.observe_near if near else folders.observe_far_whole, listings)
