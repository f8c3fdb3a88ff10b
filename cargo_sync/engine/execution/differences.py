"""Differences: both sides of a job are compared by content, and what differs is stored.

It reads what the last look has seen, and runs beside the job's runs. Every file that could be the
same is read on both sides, so that what a disk has lost is found too.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from cargo_sync.engine.context import JobMemory
from cargo_sync.engine.execution.comparison import HashingSide
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode, Rules
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.plan.differences import CHANGED, WORDS, Doubt, doubts
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.one_way import view_of
from cargo_sync.trees.contract import FarTree, NearTree

FILES: Final = 200
SIZE: Final = 64 * 2**20
"""Files that are compared together, and their bytes."""
UNREAD: Final = "not compared"
SAME: Final = "same"
AGAIN: Final = "again"
"""How many files and folders can be delivered again."""
_MEANWHILE: Final = frozenset({Code.CHANGED, Code.VANISHED})


class SideComparison:
    """Compares the sides of one job, and stores what differs as the plan `run`.

    files, bytes  what was compared until now
    """

    def __init__(
        self, run: str, rules: Rules, near: NearTree, far: FarTree, memory: JobMemory, world: World
    ) -> None:
        self.run = run
        self.files = self.bytes = 0
        self._rules = rules
        self._memory = memory
        self._world = world
        self._mode = Mode.DOWNLOAD if rules.mode is Mode.DOWNLOAD else Mode.UPLOAD
        sides: tuple[HashingSide, HashingSide] = (near, _Reread(far))
        self._source, self._destination = sides if self._mode is Mode.UPLOAD else sides[::-1]
        self._totals = dict.fromkeys((SAME, UNREAD, *WORDS, AGAIN), 0)

    async def __call__(self) -> None:
        """Compares everything.

        Raises:
            ProblemError: a side cannot be reached, or the local folder was let go.
        """
        planned, offload = self._memory.planned, self._world.offload
        await offload(planned.begin, self.run, self._rules.name, self._world.lived())
        every = self._doubts()
        while some := await offload(_together, every):
            await self._compare(some)
        totals = self._totals | {"files": self.files, "bytes": self.bytes}
        await offload(planned.ready, self.run, totals)

    def _doubts(self) -> Iterator[Doubt]:
        filters = Filters(self._rules.include, self._rules.exclude)
        view = view_of(self._mode, excluded=filters.excluded)
        for state in self._memory.folders.below(""):
            near, far, base = state.near or (), state.far or (), state.base or ()
            sides = (near, far) if self._mode is Mode.UPLOAD else (far, near)
            yield from doubts(state.path, *sides, base, view, self._mode)

    async def _compare(self, some: Sequence[Doubt]) -> None:
        """Compares files with what was delivered; those that are not there, with what is there."""
        delivered = await self._equal([(one.action, one.delivered) for one in some])
        rest = [one for one, same in zip(some, delivered, strict=True) if same is None]
        seen = iter(
            await self._equal(
                [(one.action, None if one.sure else one.action.expected) for one in rest]
            )
        )
        differ: list[Action] = []
        for (action, there, _), kept in zip(some, delivered, strict=True):
            size = action.source.size if action.source is not None else 0
            self.files, self.bytes = self.files + 1, self.bytes + size
            same = next(seen) if kept is None else kept
            if same is True:
                self._totals[SAME] += 1
            elif isinstance(same, Problem):
                differ.append(_uncompared(action, same))
            elif kept is False:  # a disk has lost it: it looks as it was delivered
                differ.append(action._replace(op=Op.PUT, expected=there, why=CHANGED, drifted=True))
            else:
                differ.append(action)
        await self._found(differ)

    async def _equal(
        self, items: Sequence[tuple[Action, Entry | None]]
    ) -> list[Problem | bool | None]:
        """Whether each source has the content of this entry of the destination.

        None if there is no such entry; a problem if one of them cannot be read.
        """
        asked = [
            (action.path, action.source, there)
            for action, there in items
            if action.source is not None and there is not None
        ]
        there = await self._destination.hashes([(path, entry) for path, _, entry in asked])
        here = await self._source.hashes([(path, source) for path, source, _ in asked])
        answers = iter(list(map(_same, here, there)))
        return [next(answers) if there is not None else None for _, there in items]

    async def _found(self, actions: Sequence[Action]) -> None:
        if not actions:
            return
        for action in actions:
            self._totals[action.why if action.why in WORDS else UNREAD] += 1
            self._totals[AGAIN] += action.op is not Op.LEAVE
        await self._world.offload(self._memory.planned.add, self.run, actions, self._mode)


class _Reread:
    """The far side, which reads its files again: what it knows of them may be true no more."""

    def __init__(self, far: FarTree) -> None:
        self._far = far

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        return await self._far.hashes(items, reread=True)


def _together(every: Iterator[Doubt]) -> list[Doubt]:
    """The next files that are compared together."""
    some: list[Doubt] = []
    size = 0
    while len(some) < FILES and size < SIZE and (one := next(every, None)) is not None:
        some.append(one)
        size += one.action.source.size if one.action.source is not None else 0
    return some


def _same(here: str | Problem, there: str | Problem) -> Problem | bool | None:
    if isinstance(there, Problem) and there.code in _MEANWHILE:
        return None
    if isinstance(here, Problem):
        return here
    return there if isinstance(there, Problem) else here == there


def _uncompared(action: Action, problem: Problem) -> Action:
    """A file that could not be read on one side."""
    if problem.code is Code.NOT_OPEN:
        raise ProblemError(problem)
    why = "changes now" if problem.code in _MEANWHILE else problem.message
    return action._replace(op=Op.LEAVE, why=why)
