"""The copier: copies what it finds on one side to the other, with the lanes and staging of jobs.

`attempt` runs until all is copied or the connection is lost; the next attempt continues there. It
first looks again at the files that were handed over and not answered, because they may or may not
have arrived.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import NamedTuple

from cargo_sync.copying.decision import CopyStep, Decision, decide, decide_by_content
from cargo_sync.copying.progress import CopyProgress
from cargo_sync.copying.retries import CONNECTION_LOST, RetryRounds
from cargo_sync.copying.transfer_ids import TransferIds
from cargo_sync.copying.walk import PAGE, EntryPages, WalkPage
from cargo_sync.engine.execution.batches import BatchQueue
from cargo_sync.engine.execution.comparison import FilePair, compare
from cargo_sync.machines.arrival import ArrivalCount
from cargo_sync.machines.room import DestinationRoom
from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.entries import BY_UMASK, FOLDER, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import NO_ROOM, NOTICES, Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.trees.contract import Brought, Task
from cargo_sync.trees.visit import FarVisited, NearVisited, Visited


@dataclass(frozen=True, slots=True)
class CopySides:
    """Both sides of a copy.

    near   reads and stages content on this machine, or reads it from another server
    far    the server's side, which moves content
    keeps  what both sides keep of a file, by which files are compared
    """

    mode: Mode
    near: NearVisited
    far: FarVisited
    keeps: Abilities

    @property
    def source(self) -> Visited:
        return self.near if self.mode is Mode.UPLOAD else self.far

    @property
    def destination(self) -> Visited:
        return self.far if self.mode is Mode.UPLOAD else self.near


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """How to copy.

    overwrite  what is at the destination may be displaced
    run        names the folder in the trash for what is displaced
    """

    overwrite: bool
    run: str


class _Candidate(NamedTuple):
    """A file or link at the source, what is at its destination, and what to do with it."""

    path: str
    source: Entry
    there: Entry | None
    decided: Decision


class _Copy(NamedTuple):
    """A file to copy, and how often that was tried before."""

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
        """Found, but not decided yet."""
        self._waiting: BatchQueue[_Copy] = BatchQueue(
            world.steady, partial(sides.far.rate, sides.mode)
        )
        self._open: dict[str, int] = {}
        """Files that were handed over and not answered yet: path -> earlier tries."""
        self._retries = RetryRounds()
        self._arrival = ArrivalCount()
        self._room = DestinationRoom()

    async def attempt(self, speed: int | None) -> None:
        """Copies until nothing is left. `speed` is in bits per second, None for no limit.

        Raises:
            ProblemError: the connection was lost.
        """
        self._retries.resume(self._open)
        self._open.clear()
        while True:
            self._retries.begin_round()
            await self._round(speed)
            seconds = self._retries.wait(self._world.chance())
            if seconds is None:
                return
            await Wakeup().wait(seconds)

    async def _round(self, speed: int | None) -> None:
        self._arrival.begin(self.progress.bytes_done)
        sides = self._sides
        moving = sides.far.transfer(
            sides.mode, sides.near, self._batches(), speed, self._options.run
        )
        async with aclosing(moving) as results:
            async for brought in results:
                await self._record(brought)

    def arrived(self) -> tuple[int, str]:
        """Bytes at the destination, also those that are staged, and the current file's path."""
        figures = self._sides.far.figures()
        if figures is None:
            return self.progress.bytes_done, self.progress.path
        arrived = self._arrival.count(self.progress.bytes_done, figures.content, figures.had)
        self.progress.resumed = self._arrival.resumed
        path = figures.files[-1].path if figures.files else self.progress.path
        return arrived, path

    # -- handing over ------------------------------------------------------------------------------

    async def _batches(self) -> AsyncIterator[Sequence[Task]]:
        while await self._look():
            while batch := self._waiting.due():
                if tasks := self._handed_over(chain.from_iterable(batch)):
                    yield tasks
        while batch := self._waiting.rest():
            if tasks := self._handed_over(chain.from_iterable(batch)):
                yield tasks

    def _handed_over(self, batch: Iterable[_Copy]) -> list[Task]:
        """The tasks of a batch, without files for which there is no room: they fail at once."""
        tasks = []
        for task, tries in batch:
            path, size = task.action.path, task.action.bytes
            # A part of a larger file may be there already, so that it needs less than its size.
            replaces = task.action.expected is not None
            if resumable(size) or self._room.may_try(path, size, replaces=replaces):
                self._open[path] = tries
                tasks.append(task)
            else:
                self.progress.fail(path, _no_room(self._room.lacking, path, size))
        return tasks

    async def _look(self) -> bool:
        """Looks at the next files and decides about them; False if there are no more.

        If a cut interrupts it, the next attempt looks at the same files.
        """
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
            (
                paths.join(page.folder, entry.name),
                None if entry.mode == BY_UMASK else entry.mode,
            )
            for entry in page.entries
            if entry.kind == FOLDER
        ]
        run = self._options.run
        made = await self._sides.destination.make(folders, run) if folders else []
        candidates = await self._decide(
            page.folder, [entry for entry in page.entries if entry.kind != FOLDER]
        )
        tasks = await self._tasks(candidates)
        # No await from here on, so that a cut leaves either all of this undone or nothing.
        for problem in page.problems:
            if problem.code not in NOTICES:
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
        self._waiting.extend(copies, [copy.task.action.bytes for copy in copies])

    async def _look_again(self) -> bool:
        """Looks again at some files of this round that failed or were not answered before.

        Returns:
            False if there are none.
        """
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
                self._waiting.extend([_Copy(task, tries)], [task.action.bytes])
            elif task is None:
                self.progress.done(path, candidate.source.size)
                await self._ids.done(path)
            elif task.code == Code.OCCUPIED or not self._retries.add(path, tries, task):
                self.progress.fail(path, task)
        return True

    async def _decide(self, folder: str, entries: Sequence[Entry]) -> list[_Candidate]:
        if not entries:
            return []
        present = await self._sides.destination.stand(folder, [entry.name for entry in entries])
        candidates = []
        for entry in entries:
            path, there = paths.join(folder, entry.name), present.get(entry.name)
            overwrite = self._options.overwrite
            decided = decide(path, entry, there, self._sides.keeps, overwrite=overwrite)
            known = there if isinstance(there, Entry) else None
            candidates.append(_Candidate(path, entry, known, decided))
        return await self._compared(candidates)

    async def _compared(self, candidates: list[_Candidate]) -> list[_Candidate]:
        """Decides the candidates with the step COMPARE: they are equal if their hashes are."""
        pairs = [
            FilePair(one.path, one.source, one.there)
            for one in candidates
            if one.decided.step is CopyStep.COMPARE and one.there is not None
        ]
        if not pairs:
            return candidates
        sides = self._sides
        compared = await compare(sides.near, sides.far, sides.mode, pairs)
        equal = {pair.path for pair, one in zip(pairs, compared, strict=True) if one.hash}
        return [
            one._replace(decided=decide_by_content(one.decided, equal=one.path in equal))
            if one.decided.step is CopyStep.COMPARE
            else one
            for one in candidates
        ]

    async def _tasks(self, candidates: Sequence[_Candidate]) -> list[Task | Problem | None]:
        """One result per candidate: a task, a failure, or None if there is nothing to do."""
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

    # -- results -----------------------------------------------------------------------------------

    async def _record(self, brought: Brought) -> None:
        for task, receipt in zip(brought.done, brought.receipts, strict=True):
            path, size = task.action.path, task.action.bytes
            self._open.pop(path, None)
            self._room.took(path, size, replaced=task.action.expected is not None)
            self.progress.done(path, size)
            self.progress.displaced += bool(receipt.displaced)
            if resumable(size):
                await self._ids.done(path)
        for outcome in brought.failed:
            path, problem = outcome.action.path, outcome.problem
            tries = self._open.pop(path, 0)
            if problem and not self._retries.add(path, tries, problem):
                self.progress.fail(path, problem)
                if problem.code in NO_ROOM:
                    self._room.refused(path, outcome.action.bytes, problem)


def _no_room(lacking: Code, path: str, size: int) -> Problem:
    message = f"{path!r} needs {size:,} bytes, and there was no room for a smaller file"
    return Problem(lacking, message, path, "free some space, then try again")
