"""The copier: what is found on one side is copied to the other, on the lanes, staging and commit
that jobs use.

`attempt` goes through until all is copied, or the connection is lost; another attempt goes on from
there. Files that were handed over and not answered are looked at again then, since nobody knows
whether they arrived.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import NamedTuple

from cargo_sync.copying.decision import CopyStep, Decision, decide, decide_by_content
from cargo_sync.copying.progress import CopyProgress
from cargo_sync.copying.retries import CONNECTION_LOST, RetryRounds
from cargo_sync.copying.transfer_ids import TransferIds
from cargo_sync.copying.walk import PAGE, EntryPages, WalkPage
from cargo_sync.engine.batches import BatchQueue
from cargo_sync.engine.comparison import FilePair, compare
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.trees.contract import Ends, Task
from cargo_sync.trees.visit import FarVisited, Visited


@dataclass(frozen=True, slots=True)
class CopySides:
    """Both sides; `near` is where content is read and staged here."""

    mode: Mode
    source: Visited
    destination: Visited
    far: FarVisited
    near: Ends


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """`run` names the trash of what is displaced, which only happens with `overwrite`."""

    overwrite: bool
    run: str


class _Candidate(NamedTuple):
    """A file or a link that was found: what stands at its place, and what happens to it."""

    path: str
    source: Entry
    there: Entry | None
    decided: Decision


class _Copy(NamedTuple):
    """A file that is to be copied, and how often that was tried before."""

    task: Task
    tries: int


class Copier:
    """One get or put of files. `progress` may be read while it goes on."""

    def __init__(
        self,
        sides: CopySides,
        pages: EntryPages,
        options: CopyOptions,
        progress: CopyProgress,
        ids: TransferIds,
        world: World,
    ) -> None:
        self.progress = progress
        self._sides = sides
        self._pages = pages
        self._options = options
        self._ids = ids
        self._world = world
        self._page: WalkPage | None = None
        """Found, and not decided about yet."""
        self._waiting: BatchQueue[_Copy] = BatchQueue(_size, world.steady)
        self._open: dict[str, int] = {}
        """Handed over and not answered yet: by path, how often each was tried before."""
        self._retries = RetryRounds()
        self._bytes_before = 0
        self._disk_full: Problem | None = None

    async def attempt(self, speed: int | None) -> None:
        """Until nothing is left. `speed` is in bits per second, None for no limit.

        Raises:
            ProblemError: the connection was lost, or everything would fail the same way.
        """
        self._retries.resume(self._open)
        self._open.clear()
        while True:
            self._retries.begin_round()
            await self._round(speed)
            if self._disk_full is not None:
                raise ProblemError(self._disk_full)
            seconds = self._retries.wait(self._world.chance())
            if seconds is None:
                return
            await Wakeup().wait(seconds)

    async def _round(self, speed: int | None) -> None:
        self._bytes_before = self.progress.bytes_done
        sides = self._sides
        moving = sides.far.transfer(
            sides.mode, sides.near, self._batches(), speed, self._options.run
        )
        async with aclosing(moving) as results:
            async for outcomes in results:
                await self._record(outcomes)

    def arrived(self) -> tuple[int, str]:
        """Bytes that are committed or on their way there, and the path of the file under way.

        A lane counts what went over it; what came in earlier tries only the files under way know.
        """
        figures = self._sides.far.figures()
        if figures is None:
            return self.progress.bytes_done, self.progress.path
        there = self.progress.bytes_done + sum(file.done for file in figures.files)
        came = self._bytes_before + figures.content
        self.progress.resumed = max(self.progress.resumed, there - came)
        return max(there, came), figures.files[-1].path if figures.files else self.progress.path

    # -- handing over ------------------------------------------------------------------------------

    async def _batches(self) -> AsyncIterator[Sequence[Task]]:
        while await self._look_further():
            while self._disk_full is None and (batch := self._waiting.due()):
                yield self._handed_over(batch)
        while self._disk_full is None and (batch := self._waiting.rest()):
            yield self._handed_over(batch)

    def _handed_over(self, batch: Sequence[_Copy]) -> list[Task]:
        self._open.update({copy.task.action.path: copy.tries for copy in batch})
        return [copy.task for copy in batch]

    async def _look_further(self) -> bool:
        """Looks at some more, and decides about it. What a cut interrupts is looked at again."""
        if self._disk_full is not None:
            return False
        if await self._look_again():
            return True
        if self._page is None:
            self._page = await self._pages.next(CONNECTION_LOST)
        if self._page is None:
            return False
        await self._take(self._page)
        self._page = None
        return True

    async def _take(self, page: WalkPage) -> None:
        """Makes the folders of a page, and decides about its files."""
        folders = [
            (paths.join(page.folder, entry.name), entry.mode)
            for entry in page.entries
            if entry.kind == FOLDER
        ]
        run = self._options.run
        made = await self._sides.destination.make(folders, run) if folders else []
        candidates = await self._decide(
            page.folder, [entry for entry in page.entries if entry.kind != FOLDER]
        )
        tasks = await self._tasks(candidates)
        # Nothing is waited for from here on: it has happened, or it has not.
        for problem in page.problems:
            self.progress.fail(problem.path, problem)
        for (path, _), refused in zip(folders, made, strict=True):
            if refused is not None:
                self.progress.fail(path, refused)
                self._pages.drop(path)
        copies: list[_Copy] = []
        for candidate, task in zip(candidates, tasks, strict=True):
            path = candidate.path
            if isinstance(task, Task):
                self.progress.planned(task.action.bytes)
                copies.append(_Copy(task, 0))
            elif task is None:
                self.progress.skipped += 1
            elif task.code == Code.BUSY and self._retries.add(path, 0, task):
                self.progress.planned(candidate.source.size)
            else:
                self.progress.fail(path, task)
        self._waiting.extend(copies)

    async def _look_again(self) -> bool:
        """Looks at some files of this round that were handed over or failed before, as they are
        now; False when there are none."""
        some = self._retries.some(PAGE)
        if some is None:
            return False
        found = await self._sides.source.stand(some.folder, some.names)
        present = [entry for name in some.names if isinstance(entry := found.get(name), Entry)]
        candidates = await self._decide(some.folder, present)
        tasks = await self._tasks(candidates)
        for name in some.names:
            entry, path = found.get(name), paths.join(some.folder, name)
            if not isinstance(entry, Entry):
                self._retries.take(path)
                gone = Problem(Code.VANISHED, f"{path!r} is not there any more", path)
                self.progress.fail(path, gone if entry is None else entry)
        for candidate, task in zip(candidates, tasks, strict=True):
            path = candidate.path
            tries = self._retries.take(path)
            if isinstance(task, Task):
                self._waiting.extend([_Copy(task, tries)])
            elif task is None:
                self.progress.done(path, candidate.source.size)
                await self._ids.done(path)
            elif task.code == Code.OCCUPIED or not self._retries.add(path, tries, task):
                self.progress.fail(path, task)
        return True

    async def _decide(self, folder: str, entries: Sequence[Entry]) -> list[_Candidate]:
        if not entries:
            return []
        standing = await self._sides.destination.stand(folder, [entry.name for entry in entries])
        candidates = []
        for entry in entries:
            path, there = paths.join(folder, entry.name), standing.get(entry.name)
            decided = decide(path, entry, there, overwrite=self._options.overwrite)
            known = there if isinstance(there, Entry) else None
            candidates.append(_Candidate(path, entry, known, decided))
        return await self._compared(candidates)

    async def _compared(self, candidates: list[_Candidate]) -> list[_Candidate]:
        """Those of one size with what stands there are equal when their hashes are."""
        pairs = [
            FilePair(one.path, one.source, one.there)
            for one in candidates
            if one.decided.step is CopyStep.COMPARE and one.there is not None
        ]
        if not pairs:
            return candidates
        compared = await compare(self._sides.source, self._sides.destination, pairs)
        equal = {pair.path for pair, one in zip(pairs, compared, strict=True) if one.hash}
        return [
            one._replace(decided=decide_by_content(one.decided, equal=one.path in equal))
            if one.decided.step is CopyStep.COMPARE
            else one
            for one in candidates
        ]

    async def _tasks(self, candidates: Sequence[_Candidate]) -> list[Task | Problem | None]:
        """What is to be done: a task, a failure, or nothing."""
        return [await self._task(candidate) for candidate in candidates]

    async def _task(self, candidate: _Candidate) -> Task | Problem | None:
        step, problem = candidate.decided
        if step is CopyStep.EQUAL:
            return None
        if step is CopyStep.REFUSE:
            return problem
        action = Action(Op.PUT, candidate.path, candidate.source, candidate.there, "ordered")
        try:
            return Task(action, await self._ids.id(candidate.path, candidate.source))
        except ProblemError as error:
            return error.problem

    # -- what became of it -------------------------------------------------------------------------

    async def _record(self, outcomes: Collection[Outcome]) -> None:
        for outcome in outcomes:
            path, problem = outcome.action.path, outcome.problem
            tries = self._open.pop(path, 0)
            if problem is None:
                self.progress.done(path, outcome.action.bytes)
                self.progress.displaced += bool(outcome.displaced)
                if resumable(outcome.action.bytes):
                    await self._ids.done(path)
            elif not self._retries.add(path, tries, problem):
                self.progress.fail(path, problem)
                if problem.code == Code.DISK_FULL:
                    self._disk_full = problem


def _size(copy: _Copy) -> int:
    return copy.task.action.bytes
