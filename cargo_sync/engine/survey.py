"""The survey: looks at both sides, stores what they contain, and finds what differs.

Only observations are stored. A folder that did not change since the last look, and needs no further
steps, costs one comparison.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from itertools import chain
from typing import Final, overload

from cargo_sync.engine.context import JobMemory
from cargo_sync.engine.report import RunReport
from cargo_sync.machines.scope import FEW
from cargo_sync.model import paths
from cargo_sync.model.entries import Entry, PlacedEntries
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.slices import path_ranges
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.model.world import World
from cargo_sync.state import parts
from cargo_sync.state.folders import FolderState
from cargo_sync.state.observations import Observed
from cargo_sync.trees.contract import Delta, FarTree, Missed, NearTree, NoFolder, Observation, Whole

PAGE = 100
PART = 4_000
"""Rows of a server's listing that are stored in one transaction, fewer of those deep down."""
TRIES: Final = 3
"""Looks at a folder that is not there although the folder above it has it; then it is missed."""


class Survey:
    """One look at both sides.

    missed    what could not be read: nothing is known about these folders and what is below them
    complete  both sides were read to the end
    """

    def __init__(self, near: NearTree, far: FarTree, memory: JobMemory, world: World) -> None:
        self._near = near
        self._far = far
        self._memory = memory
        self._world = world
        self._after: bytes | None = None
        self._refused: Sequence[Problem] = ()
        self._left: list[str] = []
        self.missed = Subtrees()
        self.complete = False

    async def folders(
        self,
        cursor: int,
        report: RunReport,
        hinted: Collection[str] | None = None,
        *,
        afresh: bool = False,
    ) -> AsyncIterator[list[FolderState]]:
        """Folders that are not settled, in component order, each when both of its sides are known.

        Args:
            cursor: the far side's sequence up to which the state has its changes.
            report: gets the problems and the time.
            hinted: the folders of the near side in which something may have changed since it was
                last seen; None for all folders. Those that are not settled are looked at too.
            afresh: own changes of the far side may be gone, and the server may have forgotten that.

        Raises:
            ProblemError: a side cannot be reached.
        """
        steady = self._world.steady
        began, away = steady(), 0.0
        await self._look_far(cursor, report, adopts=not afresh)
        report.leave_out(self._refused)
        if hinted is None or not await self._look_at(hinted, report):
            report.whole = True
            async for seen in self._near.observe(0):
                await self._write_down(seen, report, near=True)
                # All folders before the last one are known on both sides: they need not wait for
                # the rest of the survey.
                assert not isinstance(seen, Delta)
                async for page in self._unsettled(_end(seen[-1])):
                    left = steady()
                    yield page
                    away += steady() - left  # the caller may have waited for content to move
        report.surveyed = steady() - began - away
        self.complete = True
        self._memory.scope.ended(self._left, missed=bool(self.missed))
        async for page in self._unsettled(None):
            yield page

    async def touched(self) -> AsyncIterator[list[FolderState]]:
        """All folders that are still not settled, from the state."""
        self._after = None
        async for page in self._unsettled(None):
            yield page

    async def look_again(
        self, near: Sequence[str], cursor: int, report: RunReport, *, afresh: bool
    ) -> None:
        """Looks once more at what steps would replace, after the survey: see `folders`.

        A download seldom looks at the local folder, and the survey and the content that moved since
        may have taken hours: people may have put many files there. What the job's filters leave out
        is seen too, because it goes with its folder. `missed` gets what cannot be read.

        Args:
            near: folders of the near side that would be replaced; all below them is looked at too.
            cursor: the far side's, as it was opened last; -1: nothing would be replaced there.
            report: gets the problems.
            afresh: as for `folders`.

        Raises:
            ProblemError: a side cannot be reached.
        """
        if cursor >= 0:
            await self._look_far(cursor, report, adopts=not afresh)
        if near:
            known = await self._world.offload(self._known_below, near)
            seen = await self._look_into(known, unfiltered=True)
            self._report([one for one in seen if isinstance(one, Missed)], report)

    def _known_below(self, some: Sequence[str]) -> set[str]:
        """These folders of the near side, and those below them that were seen."""
        below = chain.from_iterable(map(self._memory.folders.below, some))
        return {*some, *(state.path for state in below if state.listings[0] is not None)}

    async def _look_far(self, cursor: int, report: RunReport, *, adopts: bool) -> None:
        """Looks at the far side; without `adopts`, no own changes may be left out."""
        if not await self._observe_far(cursor, report, adopts=adopts):
            await self._observe_far(cursor, report)  # own changes are left out only once

    async def _observe_far(self, cursor: int, report: RunReport, *, adopts: bool = True) -> bool:
        """Looks at the far side.

        Returns:
            False if it left out own changes that are not known, or without `adopts` any.
        """
        async for seen in self._far.observe(cursor):
            if isinstance(seen, Delta) and seen.own.left_out and not adopts:
                return False
            if isinstance(seen, Delta) and seen.own.ranges:
                async with self._memory.listing:
                    known = await self._world.offload(self._memory.folders.adopt, seen.own)
                if not known:
                    return False
            await self._write_down(seen, report, near=False)
        return True

    async def _look_at(self, hinted: Collection[str], report: RunReport) -> bool:
        """Looks at folders of the near side that may have changed, and at new ones below them.

        Returns:
            False if there are too many: then nothing is reported.
        """
        unsettled = await self._world.offload(self._memory.folders.unsettled_paths, FEW)
        if unsettled is None:
            return False  # the plan would take the others as they were seen last
        seen = await self._look_into({*hinted, *unsettled}, FEW)
        if seen is None:
            return False
        self._report(seen, report)
        return True

    @overload
    async def _look_into(self, pending: set[str], *, unfiltered: bool) -> list[Whole | Missed]: ...

    @overload
    async def _look_into(self, pending: set[str], most: int) -> list[Whole | Missed] | None: ...

    async def _look_into(
        self, pending: set[str], most: int | None = None, *, unfiltered: bool = False
    ) -> list[Whole | Missed] | None:
        """Looks at folders of the near side, and at new ones below them.

        Returns:
            What must be reported; None if there are more than `most`.
        """
        looked: set[str] = set()
        torn = Counter[str]()
        seen: list[Whole | Missed] = []
        while pending:
            looked |= pending
            if most is not None and len(looked) > most:
                return None
            again: set[str] = set()
            some = sorted(pending, key=paths.key)
            async for group in self._near.observe_some(some, unfiltered=unfiltered):
                fresh, missing = await self._write_some(group)
                again |= fresh - pending  # those in `pending` come after the folder above them
                torn.update(missing)
                for path in missing:
                    if torn[path] < TRIES:
                        again |= {"", *paths.upwards(path)}
                    else:
                        seen.append(_torn(path))
                seen += [
                    one
                    for one in group
                    if isinstance(one, Missed) or (isinstance(one, Whole) and one.problems)
                ]
            pending = again
        return seen

    async def _write_some(
        self, group: Sequence[Whole | Missed | NoFolder]
    ) -> tuple[set[str], set[str]]:
        """Stores what was seen.

        Returns:
            The folders that are new, and those that are not there although the folder above them
            had them when it was seen last: either that is long ago, or they come and go just now.
        """
        gone = [one.path for one in group if isinstance(one, NoFolder)]
        listings = [_observed(one) for one in group if isinstance(one, Whole)]
        fresh = await self._world.offload(self._memory.folders.look_near, listings)
        missing = await self._world.offload(self._memory.folders.gone_near, gone) if gone else set()
        return fresh, missing

    async def _unsettled(self, end: bytes | None) -> AsyncIterator[list[FolderState]]:
        folders = self._memory.folders
        while page := await self._world.offload(folders.unsettled, self._after, end, PAGE):
            self._after = page[-1].key
            if known := [state for state in page if state.path not in self.missed]:
                yield known

    async def _write_down(self, seen: Observation, report: RunReport, *, near: bool) -> None:
        folders, offload = self._memory.folders, self._world.offload
        if isinstance(seen, Delta):
            for part in path_ranges(_paths(seen.changes), PART):
                async with self._memory.listing:
                    await offload(self._store_changes, seen.changes[part])
            async with self._memory.listing:
                self._refused = await offload(self._end_of_page, seen)
            report.advanced |= bool(seen.changes)
            return
        self._report(seen, report, near=near)
        listings = [_observed(one) for one in seen if isinstance(one, Whole)]
        await offload(folders.observe_near if near else folders.observe_far_whole, listings)

    def _store_changes(self, changes: Sequence[tuple[str, Entry | None]]) -> None:
        with self._memory.jobs.knowing(self._memory.name, self._far.newest):
            self._memory.folders.observe_far(changes)

    def _end_of_page(self, page: Delta) -> Sequence[Problem]:
        """Stores that all changes of a page are stored; returns why names are left out."""
        jobs, name = self._memory.jobs, self._memory.name
        with jobs.knowing(name, self._far.newest):
            jobs.set_far_cursor(name, page.cursor)
            return self._memory.folders.observe_far((), page.refused)

    def _report(
        self, seen: Sequence[Whole | Missed], report: RunReport, *, near: bool = True
    ) -> None:
        """Reports what could not be read, and what had to be left out."""
        for one in seen:
            if isinstance(one, Missed):
                self.missed.add(one.path)
                report.miss(one.problem)
            elif one.problems:
                if near:
                    self._left.append(one.path)
                report.leave_out(one.problems)


def _paths(changes: Sequence[tuple[str, Entry | None]]) -> Sequence[str]:
    if isinstance(changes, PlacedEntries):
        return changes.paths
    return [path for path, _ in changes]


def _observed(one: Whole) -> Observed:
    return Observed(one.path, one.listing, one.entries, one.first, one.end)


def _torn(path: str) -> Missed:
    """A folder that comes and goes while it is looked at. Nothing is deleted because of it."""
    return Missed(path, Problem(Code.VANISHED, f"{path!r} went while it was looked at", path))


def _end(last: Whole | Missed) -> bytes:
    """The end of what is known when a folder, or a part of one, was the last to be seen."""
    if isinstance(last, Whole) and last.end:
        return parts.key_of(last.path, last.end)
    return parts.end_of(last.path)
