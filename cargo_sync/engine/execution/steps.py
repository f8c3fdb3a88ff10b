"""Execution: planned steps become durable outcomes.

Steps that move no content are done at once, in groups. The others go to the far tree in batches,
while the survey goes on.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Final

from cargo_sync.engine.commit import HOLDS_OTHERS, Commit
from cargo_sync.engine.context import RunContext
from cargo_sync.engine.execution.batches import BatchQueue
from cargo_sync.engine.execution.comparison import Comparison, FilePair, compare
from cargo_sync.engine.execution.metadata import MetadataSteps, is_merged
from cargo_sync.engine.execution.transfer_starts import TransferStarts
from cargo_sync.engine.planners.deferred import Deferred
from cargo_sync.engine.planning import Steps
from cargo_sync.engine.verification import DamagedFiles
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome, Puts
from cargo_sync.model.agreed import ONE_SIDED
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.trees.contract import FarTree, NearTree, Tasks, Tree
from cargo_sync.trees.recording import applied, recording

LATE: Final = 1_000
"""Steps that are put off at a time."""


class Execution:
    """Executes the steps of one run in one direction.

    `rate` gives the bytes per second that move now.
    """

    def __init__(
        self,
        context: RunContext,
        direction: Mode,
        near: NearTree,
        far: FarTree,
        deferred: Deferred,
        starts: TransferStarts,
        commit: Commit,
        damaged: DamagedFiles,
        rate: Callable[[], int],
    ) -> None:
        self._direction = direction
        self._rules = context.rules
        self._world = context.world
        self._report = context.report
        self._progress = context.progress.of(direction)
        self._room = context.memory.rooms[direction]
        self._failures = context.memory.failures
        self._near = near
        self._far = far
        upload = direction is Mode.UPLOAD
        source, destination = (near, far) if upload else (far, near)
        self._source: Tree = source
        self._destination: Tree = destination
        self._deferred = deferred
        self._starts = starts
        self._commit = commit
        self._damaged = damaged
        self._rate = rate
        self._metadata = MetadataSteps(source, destination, context.report.run, context.server)
        self._not_emptied: set[str] = set()

    async def batches(
        self, steps: AsyncIterator[Steps], *, counted: bool = False
    ) -> AsyncIterator[Tasks]:
        """Does the steps that move no content, and groups the others into batches for the far tree.

        Args:
            steps: in the order of the plan.
            counted: the guard has let these steps pass already.
        """
        waiting: BatchQueue[Action] = BatchQueue(self._world.steady, self._rate)
        late: list[Action] = []
        async for actions, fresh in steps:
            now = self._put_off(actions, late)
            puts = await self._without_content(now, counted) if now else []
            sound = await self._damaged.left_out(fresh) if fresh else []
            for some in map(Puts.of, (puts, sound)):
                self._queue(waiting, some)
            while batch := waiting.due():
                if roomy := await self._with_room(batch):
                    yield await self._starts.begin(roomy)
        while batch := waiting.rest() or await self._read_next(waiting, late, counted):
            if roomy := await self._with_room(batch):
                yield await self._starts.begin(roomy)

    def _queue(self, waiting: BatchQueue[Action], puts: Puts) -> None:
        sizes = puts.sources.sizes
        waiting.extend(puts, sizes)
        self._progress.planned(len(sizes), sum(sizes))

    def _put_off(self, actions: Sequence[Action], late: list[Action]) -> Sequence[Action]:
        """Adds the METAs of larger files to `late`; returns the other steps.

        To read and compare one takes long, and nobody else shall wait for that.
        """
        if len(late) >= LATE or not any(map(_is_slow, actions)):
            return actions
        late += filter(_is_slow, actions)
        return [one for one in actions if not _is_slow(one)]

    async def _read_next(
        self, waiting: BatchQueue[Action], late: list[Action], counted: bool
    ) -> list[Sequence[Action]]:
        """Compares files that were put off, until one of them must be moved: its batch."""
        while late:
            one = self._progress.reading = late.pop()
            try:
                puts = await self._without_content([one], counted)
            finally:
                self._progress.reading = None
            self._queue(waiting, Puts.of(puts))
            if batch := waiting.rest():
                return batch
        return []

    async def _without_content(self, actions: Sequence[Action], counted: bool) -> list[Action]:
        """Does all steps but the PUTs.

        Returns:
            The PUTs that need not wait, also those that began as an ADOPT or a META.
        """
        actions = await self._damaged.left_out(actions)
        by_op: dict[Op, list[Action]] = {op: [] for op in Op}
        for action in actions:
            by_op[action.op].append(action)
        async with recording(self._commit) as outcomes:
            outcomes += [Outcome(action) for action in by_op[Op.FORGET]]
            outcomes += [Outcome(one, one.source, one.expected) for one in by_op[Op.LEAVE]]
            if by_op[Op.MKDIR]:
                outcomes += await self._destination.apply(by_op[Op.MKDIR], self._report.run)
            if by_op[Op.ADOPT]:
                outcomes += await self._adopt(by_op[Op.ADOPT], by_op[Op.PUT])
            if by_op[Op.META]:
                done, differ = await self._metadata(by_op[Op.META])
                agreed = [one for one in done if not is_merged(one)]
                if len(agreed) < len(done):
                    self._report.look_again(0.0)
                outcomes += agreed
                by_op[Op.PUT] += differ
            for action in by_op[Op.RETIRE]:
                outcomes.append(await self._retire(action))
        puts = by_op[Op.PUT]
        return puts if counted else await self._deferred.at_once(puts)

    async def _with_room(self, batch: Sequence[Sequence[Action]]) -> Puts:
        """Leaves out files for which there is no room; one that began before may need little."""
        puts = Puts.joined([Puts.of(some) for some in batch])
        self._room.meets(puts.paths)
        if not self._room.tight:
            return puts
        began = await self._starts.began(puts)
        return Puts.of(
            [
                action
                for action in puts
                if action.path in began
                or self._room.may_try(
                    action.path, action.bytes, replaces=action.expected is not None
                )
            ]
        )

    async def _adopt(self, actions: Sequence[Action], puts: list[Action]) -> list[Outcome]:
        """Compares files that look alike by hash. Equal ones are agreed, others added to `puts`."""
        outcomes = []
        pairs = [
            FilePair(action.path, action.source, action.expected)
            for action in actions
            if action.source and action.expected
        ]
        unknown = [pair for pair, action in zip(pairs, actions, strict=True) if not action.hash]
        asked = iter(await compare(self._near, self._far, self._direction, unknown))
        compared = [Comparison(action.hash) if action.hash else next(asked) for action in actions]
        # A file that arrived just before a cut, without a receipt, is equal now. Its transfer still
        # needs an event for its end.
        unfinished = await self._starts.unfinished(actions)
        other_modes: list[Action] = []
        for action, pair, (content, problem) in zip(actions, pairs, compared, strict=True):
            if problem:
                outcomes.append(Outcome(action, problem=problem))
            elif content and (action.hash or pair.source.same_mode(pair.destination)):
                transfer = unfinished.get(action.path, "")
                outcomes.append(
                    Outcome(action, action.source, action.expected, content, transfer=transfer)
                )
            elif content and action.path not in unfinished:
                other_modes.append(action._replace(op=Op.META, why="another mode", hash=content))
            else:
                puts.append(action._replace(op=Op.PUT, why="differs"))
        if other_modes:
            done, others = await self._metadata.proven(other_modes)
            outcomes += done
            puts += others
        return outcomes

    async def _retire(self, action: Action) -> Outcome:
        assert action.source
        retired = await self._source.retire(
            action.path, action.source, action.hash, self._rules.move_to, self._report.run
        )
        if isinstance(retired, Problem):
            return Outcome(action, problem=retired)
        return Outcome(action, displaced=retired)

    async def deletions(self, actions: Sequence[Action], waiting: Collection[str]) -> None:
        """Deletes, after the guard has let it pass; what is below a folder comes before the folder.

        A folder with files that the job never delivered stays, and that is agreed. A folder with
        files that could not be deleted now waits for the next look.

        Args:
            actions: DELETE steps.
            waiting: folders with files about which nothing could be said now.
        """
        if not actions:
            return
        self._not_emptied.update(one.path for one in actions if one.path in waiting)
        await self._commit.gone([one.path for one in actions])
        await applied(self._destination, actions, self._report.run, self._record_deletions)

    async def _record_deletions(self, done: Sequence[Outcome]) -> None:
        outcomes = []
        for one in done:
            path = one.action.path
            waits = one.problem is not None
            if not _not_empty(one):
                outcomes.append(one)
            elif path not in self._not_emptied:
                outcomes.append(_kept(one, both=self._rules.mode is Mode.BIDIRECTIONAL))
                waits = False
            else:
                self._failures.stands(path)
            if waits:
                self._not_emptied.add(paths.parent(path))
        await self._commit(outcomes)


def _is_slow(action: Action) -> bool:
    """Whether a larger file must be read before it is known what is to be done."""
    source = action.source
    return action.op is Op.META and source is not None and resumable(source.size)


def _not_empty(outcome: Outcome) -> bool:
    return outcome.problem is not None and outcome.problem.code == Code.NOT_EMPTY


def _kept(outcome: Outcome, *, both: bool) -> Outcome:
    """A folder stays because it has files that the job never delivered.

    A job in both directions knows then that one side alone has it.
    """
    there = outcome.action.expected
    op = Op.LEAVE if both else Op.FORGET
    action = Action(op, outcome.action.path, expected=there, why=HOLDS_OTHERS, drifted=True)
    if not both or there is None:
        return Outcome(action)
    return Outcome(action, there._replace(version=ONE_SIDED, ident=0), there)
