"""Carry: what is found on one side is brought to the other, on the lanes, staging and commit that
jobs use.

`attempt` goes through until all is settled, or the way is cut; another attempt goes on from there.
Files that were handed over and not told of are looked at again then, since nobody knows whether
they arrived.
"""

from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from cargo_sync.copying.decision import CopyStep, Decision, decide
from cargo_sync.copying.progress import CopyProgress
from cargo_sync.copying.transfer_ids import TransferIds
from cargo_sync.copying.walk import PAGE, Supply, WalkPage
from cargo_sync.machines.retry import delay
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

BATCH_FILES: Final = 2_000
BATCH_BYTES: Final = 256 * 2**20
BATCH_SECONDS: Final = 1.0
CUTS: Final = frozenset(
    {
        Code.UNREACHABLE,
        Code.UNKNOWN_HOST,
        Code.TIMEOUT,
        Code.CUT,
        Code.THROTTLED,
        Code.BUSY,
        Code.STOPPED,
        Code.FAILED,
    }
)
"""Codes of problems of the way there, not of what is moved."""
COPY_RETRIES: Final = frozenset(
    {Code.CHANGED, Code.VANISHED, Code.OCCUPIED, Code.BUSY, Code.INCOMPLETE, Code.CORRUPT}
)
"""The file or its place is busy or has changed: a second look may find them at rest."""
TRIES: Final = 4
AGAIN: Final = 20_000
"""Files that wait for a second look; what goes beyond has failed."""


@dataclass(frozen=True, slots=True)
class Between:
    """Both sides; `near` is where content is read and staged here."""

    mode: Mode
    source: Visited
    destination: Visited
    far: FarVisited
    near: Ends


@dataclass(frozen=True, slots=True)
class Terms:
    """`run` names the trash of what is displaced, which only happens with `overwrite`."""

    overwrite: bool
    run: str


class _Case(NamedTuple):
    path: str
    source: Entry
    there: Entry | None
    decided: Decision


class Copier:
    """One get or put of files. `tally` may be read while it goes on."""

    def __init__(
        self,
        between: Between,
        supply: Supply,
        terms: Terms,
        tally: CopyProgress,
        claims: TransferIds,
        world: World,
    ) -> None:
        self.tally = tally
        self._between = between
        self._supply = supply
        self._terms = terms
        self._claims = claims
        self._world = world
        self._found: WalkPage | None = None
        self._pending: deque[tuple[Task, int]] = deque()
        """Decided and not handed over yet, with how often each was tried."""
        self._open: dict[str, int] = {}
        """Handed over, and not told of yet."""
        self._second: dict[str, int] = {}
        self._again: dict[str, int] = {}
        self._before = 0
        self._full: Problem | None = None

    async def attempt(self, speed: int | None) -> None:
        """Until nothing is left. `speed` is in bits a second, None for no limit.

        Raises:
            ProblemError: the way was cut, or everything would fail the same way.
        """
        self._again |= self._second | self._open
        self._open.clear()
        far, mode = self._between.far, self._between.mode
        while True:
            self._second, self._again = self._again, {}
            self._before = self.tally.bytes_done
            moving = far.transfer(mode, self._between.near, self._batches(), speed, self._terms.run)
            async with aclosing(moving) as results:
                async for outcomes in results:
                    await self._settle(outcomes)
            if self._full is not None:
                raise ProblemError(self._full)
            if not self._again:
                return
            await Wakeup().wait(delay(max(self._again.values()), self._world.chance(), first=0.25))

    def arrived(self) -> tuple[int, str]:
        """Bytes that are committed or on their way there, and the path of the file under way.

        A lane counts what went over it; what came in earlier tries only the files under way know.
        """
        figures = self._between.far.figures()
        if figures is None:
            return self.tally.bytes_done, self.tally.path
        there = self.tally.bytes_done + sum(file.done for file in figures.files)
        came = self._before + figures.content
        self.tally.resumed = max(self.tally.resumed, there - came)
        return max(there, came), figures.files[-1].path if figures.files else self.tally.path

    # -- handing over ------------------------------------------------------------------------------

    async def _batches(self) -> AsyncIterator[Sequence[Task]]:
        opened = self._world.steady()
        while await self._more():
            late = self._world.steady() - opened >= BATCH_SECONDS
            while self._goes_on() and (late or self._is_full()):
                yield self._batch()
                opened, late = self._world.steady(), False
        while self._goes_on():
            yield self._batch()

    def _goes_on(self) -> bool:
        return bool(self._pending) and self._full is None

    def _is_full(self) -> bool:
        size = sum(task.action.bytes for task, _ in self._pending)
        return len(self._pending) >= BATCH_FILES or size >= BATCH_BYTES

    def _batch(self) -> list[Task]:
        batch: list[Task] = []
        size = 0
        while self._pending and len(batch) < BATCH_FILES and size < BATCH_BYTES:
            task, tries = self._pending.popleft()
            batch.append(task)
            size += task.action.bytes
            self._open[task.action.path] = tries
        return batch

    async def _more(self) -> bool:
        """Looks at some more, and decides about it. What a cut interrupts is looked at again."""
        if self._full is not None:
            return False
        if self._second:
            await self._look_again()
            return True
        if self._found is None:
            self._found = await self._supply.next(CUTS)
        if self._found is None:
            return False
        await self._digest(self._found)
        self._found = None
        return True

    async def _digest(self, found: WalkPage) -> None:
        folders = [
            (paths.join(found.folder, entry.name), entry.mode)
            for entry in found.entries
            if entry.kind == FOLDER
        ]
        made = await self._between.destination.make(folders, self._terms.run) if folders else []
        cases = await self._decide(
            found.folder, [entry for entry in found.entries if entry.kind != FOLDER]
        )
        tasks = await self._tasks(cases)
        # Nothing is waited for from here on: it has happened, or it has not.
        for problem in found.problems:
            self.tally.fail(problem.path, problem)
        for (path, _), refused in zip(folders, made, strict=True):
            if refused is not None:
                self.tally.fail(path, refused)
                self._supply.drop(path)
        for case, task in zip(cases, tasks, strict=True):
            if isinstance(task, Task):
                self.tally.planned(task.action.bytes)
                self._pending.append((task, 0))
            elif isinstance(task, Problem) and task.code == Code.BUSY:
                self.tally.planned(case.source.size)
                self._again[case.path] = 1
            elif isinstance(task, Problem):
                self.tally.fail(case.path, task)
            else:
                self.tally.skipped += 1

    async def _look_again(self) -> None:
        """At some files of one folder that were handed over or failed: as they are now."""
        ordered = sorted(self._second, key=paths.key)
        folder, group = next(groupby(ordered, paths.parent))
        some = [path for _, path in zip(range(PAGE), group, strict=False)]
        sources = await self._between.source.stand(folder, [paths.name(path) for path in some])
        entries = {path: sources.get(paths.name(path)) for path in some}
        gone = [path for path, entry in entries.items() if not isinstance(entry, Entry)]
        cases = await self._decide(
            folder, [one for one in entries.values() if isinstance(one, Entry)]
        )
        tasks = await self._tasks(cases)
        for path in gone:
            self._second.pop(path)
            entry = entries[path]
            problem = Problem(Code.VANISHED, f"{path!r} is not there any more", path)
            self.tally.fail(path, entry if isinstance(entry, Problem) else problem)
        for case, task in zip(cases, tasks, strict=True):
            tries = self._second.pop(case.path)
            if isinstance(task, Task):
                self._pending.append((task, tries))
            elif (
                isinstance(task, Problem)
                and task.code in COPY_RETRIES - {Code.OCCUPIED}
                and tries + 1 < TRIES
            ):
                self._again[case.path] = tries + 1
            elif isinstance(task, Problem):
                self.tally.fail(case.path, task)
            else:
                self.tally.done(case.path, case.source.size)
                await self._claims.done(case.path)

    async def _decide(self, folder: str, entries: Sequence[Entry]) -> list[_Case]:
        if not entries:
            return []
        standing = await self._between.destination.stand(folder, [entry.name for entry in entries])
        cases = []
        for entry in entries:
            path, there = paths.join(folder, entry.name), standing.get(entry.name)
            decided = decide(path, entry, there, overwrite=self._terms.overwrite)
            cases.append(_Case(path, entry, there if isinstance(there, Entry) else None, decided))
        return await self._compared(cases)

    async def _compared(self, cases: list[_Case]) -> list[_Case]:
        """Those of one size with what stands there are equal when their hashes are."""
        alike = [case for case in cases if case.decided.fate is CopyStep.COMPARE]
        if not alike:
            return cases
        ours = await self._between.source.hashes([(case.path, case.source) for case in alike])
        there = [(case.path, case.there) for case in alike if case.there is not None]
        theirs = await self._between.destination.hashes(there)
        equal = {
            case.path
            for case, mine, other in zip(alike, ours, theirs, strict=True)
            if isinstance(mine, str) and mine == other
        }
        return [
            case
            if case.decided.fate is not CopyStep.COMPARE
            else case._replace(decided=_settled(case.decided, case.path in equal))
            for case in cases
        ]

    async def _tasks(self, cases: Sequence[_Case]) -> list[Task | Problem | None]:
        """What is to be done: a task, a failure, or nothing."""
        return [await self._task(case) for case in cases]

    async def _task(self, case: _Case) -> Task | Problem | None:
        fate, problem = case.decided
        if fate is CopyStep.EQUAL:
            return None
        if fate is CopyStep.REFUSE:
            return problem
        action = Action(Op.PUT, case.path, case.source, case.there, "ordered")
        try:
            return Task(action, await self._claims.id(case.path, case.source))
        except ProblemError as error:
            return error.problem

    # -- what became of it -------------------------------------------------------------------------

    async def _settle(self, outcomes: Collection[Outcome]) -> None:
        for outcome in outcomes:
            path, problem = outcome.action.path, outcome.problem
            tries = self._open.pop(path, 0)
            if problem is None:
                self.tally.done(path, outcome.action.bytes)
                self.tally.displaced += bool(outcome.displaced)
                if outcome.action.source and resumable(outcome.action.source.size):
                    await self._claims.done(path)
            elif problem.code in COPY_RETRIES and tries + 1 < TRIES and len(self._again) < AGAIN:
                self._again[path] = tries + 1
            else:
                self.tally.fail(path, problem)
                if problem.code == Code.DISK_FULL:
                    self._full = problem


def _settled(decided: Decision, equal: bool) -> Decision:
    if equal:
        return Decision(CopyStep.EQUAL)
    return Decision(CopyStep.REFUSE if decided.problem else CopyStep.BRING, decided.problem)
