"""Commit: outcomes become agreements and events in one transaction; then listeners are called.

A batch has thousands of small files, and nothing else happens to nearly all of them. So the values
of files that were moved are made column by column: a step for each file would cost more than to
read it does.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.displacements import Displacement, versions
from cargo_sync.engine.planners.obstacles import Obstacles
from cargo_sync.machines.retry import cancelled
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import Agreed, agree, agree_batch
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.events import (
    Event,
    EventDetails,
    EventGroup,
    Happened,
    MovedFiles,
    groups,
)
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import NO_ROOM, Code, Problem
from cargo_sync.model.slices import path_ranges
from cargo_sync.plan.one_way import BACK, FOLLOWED
from cargo_sync.trees.contract import Brought, Tasks

RETRY_AT_ONCE: Final = frozenset({Code.CHANGED, Code.VANISHED, Code.OCCUPIED, Code.NOT_A_FOLDER})
"""Codes that only mean that the plan is out of date; another look makes a new one at once."""

HOLDS_OTHERS: Final = "holds other files"
"""Why a folder stays."""

TOGETHER: Final = 2_000
"""Outcomes that are recorded in one transaction, fewer of those deep down."""

OnEvents = Callable[[Sequence[EventGroup]], None]
"""Called with recorded events; must not block."""


@dataclass(slots=True)
class _Record:
    """What is stored in one transaction.

    agreements    by path, what both sides hold now
    done, failed  paths of transfers that ended
    taken_up      paths that a person had cancelled, and that were tried again
    cancelled     what a person cancelled now
    displaced     what was moved to the local folder's trash
    uncertain     by path, what was sent, and may have arrived: with the hash of its content
    """

    agreements: list[tuple[str, Agreed | None]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    taken_up: list[str] = field(default_factory=list)
    cancelled: list[Action] = field(default_factory=list)
    displaced: list[Displacement] = field(default_factory=list)
    uncertain: list[tuple[str, Entry]] = field(default_factory=list)


class _Moved(NamedTuple):
    """Files that were moved, and are recorded; `replaced`: the indices of those that replaced."""

    paths: Sequence[str]
    sizes: Sequence[int]
    events: Sequence[EventGroup]
    replaced: Collection[int]


class Commit:
    """Records what a run has done in one direction, UPLOAD or DOWNLOAD.

    obstacles  of a one-way job: what failed because of one of them is postponed
    """

    def __init__(self, context: RunContext, direction: Mode, on_events: OnEvents) -> None:
        self.obstacles: Obstacles | None = None
        self._recording = context.recording
        self._direction = direction
        self._upload = direction is Mode.UPLOAD
        self._rules = context.rules
        self._memory = context.memory
        self._room = context.memory.rooms[direction]
        self._world = context.world
        self._report = context.report
        self._progress = context.progress.of(direction)
        self._on_events = on_events

    async def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Records outcomes, which must be durable on their sides already."""
        postponed = frozenset[str]()
        if self.obstacles is not None:
            postponed = await self.obstacles.before(outcomes)
        for part in path_ranges([outcome.action.path for outcome in outcomes], TOGETHER):
            await self._write(self._outcomes(outcomes[part], postponed))

    async def brought(self, batch: Brought) -> None:
        """Records what became of a batch of transfers; it must be durable already."""
        if batch.done:
            for moved in await self._world.offload(self._moved, batch):
                await self._note(moved)
        await self(batch.failed)

    async def gone(self, some: Sequence[str]) -> None:
        """Records that the source has nothing more at these paths.

        To be called before the destination follows. If the run is killed then, and something comes
        back there, it does not count as delivered.
        """
        note = partial(self._memory.folders.note_gone, near=self._upload)
        for part in path_ranges(some, TOGETHER):
            await self._world.offload(note, some[part])

    async def _write(self, record: _Record) -> None:
        self._report.advanced |= bool(record.agreements)
        cursor = await self._world.offload(self._agree, record)
        await self._take_up(record.taken_up)
        for action in record.cancelled:
            await self._put_off(action)
        if record.events:
            self._on_events(groups(record.events, cursor))

    def _agree(self, record: _Record) -> int:
        """Stores a record; returns the cursor of the newest event. It runs in a thread."""
        agree = partial(self._memory.folders.agree, record.agreements, record.events)
        agree = partial(agree, done=record.done, failed=record.failed)
        return self._together(agree, record.displaced, record.uncertain)

    def _together(
        self,
        agree: Callable[[], int],
        displaced: Sequence[Displacement],
        uncertain: Sequence[tuple[str, Entry]] = (),
    ) -> int:
        """Stores agreements, with what was displaced for them and what may have arrived."""
        gone = versions(self._memory.folders, displaced) if displaced else ()
        with self._recording():
            if gone:
                self._memory.ledger.add(gone)
            if uncertain:
                self._memory.folders.uncertain.add(uncertain, self._world.lived())
            return agree()

    async def _take_up(self, files: Sequence[str]) -> None:
        if files:
            await self._world.offload(self._memory.transfers.take_up, self._memory.job_id, files)

    def _moved(self, batch: Brought) -> list[_Moved]:
        """Records files that were moved. It runs in a thread."""
        done = Tasks.of(batch.done)
        moved = []
        for part in path_ranges(done.puts.paths, TOGETHER):
            some = batch._replace(receipts=batch.receipts[part])
            agreed = agree_batch(done[part].puts.sources, some.receipts, upload=self._upload)
            told = self._told(done[part], some, agreed.hashes)
            displaced = self._displaced(done[part], some, told.time)
            agree = partial(self._memory.folders.agree_moved, agreed, told, displaced)
            cursor = self._together(agree, self._replaced(done[part], some))
            events = [told.group(cursor - len(displaced)), *groups(displaced, cursor)]
            others = done[part].puts.others.items()
            replaced = {index for index, one in others if one.expected is not None}
            moved.append(_Moved(told.paths, told.sizes, events, replaced))
        return moved

    def _told(self, done: Tasks, batch: Brought, hashes: Sequence[str]) -> MovedFiles:
        """Tells of each file that it is there, with the hash of its content."""
        happened = self._arrived()
        files, sizes = done.puts.paths, done.puts.sources.sizes
        return MovedFiles(
            job=self._rules.name,
            happened=happened,
            time=self._world.wall(),
            tell=self._rules.told(happened, files[0]),
            paths=files,
            sizes=sizes,
            transfers=done.transfers,
            hashes=hashes,
            seconds=round(batch.moved.seconds, 6),
            lost=batch.moved.lost,
            rtt_ms=batch.moved.rtt_ms,
            moved=_moved_bytes(done.transfers, sizes, batch.had) if batch.had else (),
        )

    def _displaced(self, done: Tasks, batch: Brought, now: float) -> list[Event]:
        """Tells what files that were not as delivered have lost."""
        return [
            self._event(Happened.DISPLACED, action, now, EventDetails(displaced=displaced))
            for index, action in done.puts.others.items()
            if action.drifted and (displaced := batch.receipts[index].displaced)
        ]

    def _replaced(self, done: Tasks, batch: Brought) -> list[Displacement]:
        """What lies in the local folder's trash now. The server knows what lies in its own."""
        if self._upload:
            return []
        return [
            Displacement(action, displaced)
            for index, action in done.puts.others.items()
            if (displaced := batch.receipts[index].displaced)
        ]

    async def _note(self, moved: _Moved) -> None:
        """Notes files that were moved, when they are recorded."""
        files, sizes, told, replaced = moved
        if self._room.took_all(files, sizes, replaced):
            self._retry_full()
        self._report.acted = self._report.advanced = True
        self._report.files += len(files)
        self._report.downloaded += 0 if self._upload else len(files)
        self._report.bytes += sum(sizes)
        self._progress.done(len(files), sum(sizes))
        await self._take_up(self._succeeded(files))
        self._on_events(told)

    def _outcomes(self, outcomes: Sequence[Outcome], postponed: Collection[str]) -> _Record:
        """Notes what was done without moving content, and what failed.

        What is postponed did not fail, but an end of its transfer may be promised.
        """
        now, record = self._world.wall(), _Record(uncertain=_uncertain(outcomes))
        for outcome in outcomes:
            path = outcome.action.path
            if outcome.problem is not None and path in postponed:
                if outcome.transfer and self._rules.promises:
                    record.events.append(self._failure(outcome, outcome.problem, now))
            elif outcome.problem is not None:
                if self._memory.failures.was_put_off(path):
                    record.taken_up.append(path)
                if outcome.problem.code == Code.CANCELLED:
                    record.cancelled.append(outcome.action)
                record.events += self._failed(outcome, outcome.problem, now)
            else:
                if outcome.action.why == FOLLOWED and self._memory.failures.not_done(path):
                    # It is known that this step was not done: somebody else has deleted it.
                    outcome = outcome._replace(action=outcome.action._replace(why=""))
                record.taken_up += self._succeeded([path])
                record.agreements.append((path, self._agreement(outcome)))
                record.events += self._happened(outcome, now)
                # A retired file lies in the trash of the source, all others in the destination's.
                if outcome.displaced and self._upload is (outcome.action.op is Op.RETIRE):
                    record.displaced.append(Displacement(outcome.action, outcome.displaced))
            if outcome.transfer:
                (record.failed if outcome.problem else record.done).append(path)
        return record

    def _succeeded(self, files: Sequence[str]) -> list[str]:
        """Forgets what is known about these files; returns those that a person had cancelled."""
        failures = self._memory.failures
        known = failures.among(files)
        taken_up = [path for path in known if failures.was_put_off(path)]
        for path in known:
            failures.succeeded(path)
        self._memory.settling.forget_all(files)
        self._memory.two_looks.forget_all(files)
        return taken_up

    def _retry_full(self) -> None:
        """There is room: what waited for it is tried again."""
        self._memory.failures.retry_at(NO_ROOM, 0.0)
        self._report.look_again(0.0)

    def _agreement(self, outcome: Outcome) -> Agreed | None:
        source, result = outcome.source, outcome.result
        if source is None or result is None:
            return None
        near, far = (source, result) if self._upload else (result, source)
        return agree(near, far, outcome.hash)

    async def _put_off(self, action: Action) -> None:
        """Records that a person cancelled the file: it is skipped, also after a restart."""
        source = action.source
        assert source is not None, "only what moves content can be cancelled"
        state = (source.version, source.ident)
        await self._world.offload(
            self._memory.transfers.put_off, self._memory.job_id, action.path, state
        )
        self._memory.failures.put_off(action.path, cancelled(self._rules.name, action.path), state)

    def _failed(self, outcome: Outcome, problem: Problem, now: float) -> list[Event]:
        action = outcome.action
        if problem.code == Code.CANCELLED:
            problem = cancelled(self._rules.name, action.path)
        failure = self._memory.failures.failed(
            action.path, problem, self._world.steady(), self._world.chance()
        )
        if problem.code in RETRY_AT_ONCE and failure.tries == 1:
            self._report.look_again(self._rules.settle)
            if not (outcome.transfer and self._rules.promises):
                return []  # files change all the time: it is an event only if it happens again
        else:
            self._report.failed_alone(problem)
            if problem.code is Code.UNCERTAIN and failure.tries == 1:
                self._report.look_again(self._rules.settle)
        if (
            problem.code is Code.DAMAGED
            and action.source
            and self._memory.failures.knows(action.path)
        ):
            state = (action.source.version, action.source.ident)
            self._memory.failures.put_off(action.path, problem, state)
        if problem.code in NO_ROOM:
            self._room.refused(action.path, action.bytes, problem)
        return [self._failure(outcome, problem, now)]

    def _failure(self, outcome: Outcome, problem: Problem, now: float) -> Event:
        content = outcome.hash if problem.code is Code.UNCERTAIN else None
        details = EventDetails(str(problem), problem.code_text, outcome.transfer, content)
        return self._event(Happened.FAILED, outcome.action, now, details)

    def _happened(self, outcome: Outcome, now: float) -> list[Event]:
        """What is told about a step that moved no content now."""
        action = outcome.action
        events = []
        if action.op is Op.MKDIR:
            if self._room.took(action.path, 0):
                self._retry_full()
            self._report.acted = True
        elif action.op is Op.ADOPT and outcome.transfer:
            # It arrived just before a run was cut, which could not be told then.
            details = EventDetails(transfer=outcome.transfer, hash=outcome.hash)
            events.append(self._event(self._arrived(), action, now, details))
        elif action.op is Op.ADOPT and action.source and action.source.kind == FILE:
            details = EventDetails(hash=outcome.hash)
            events.append(self._event(Happened.ADOPTED, action, now, details))
        elif action.op is Op.META and outcome.result != action.expected:
            self._report.acted = True
            events.append(self._event(Happened.TOUCHED, action, now, EventDetails()))
        elif action.op is Op.DELETE or action.why == FOLLOWED:
            self._report.acted |= action.op is Op.DELETE
            words = FOLLOWED if action.why == FOLLOWED else None
            details = EventDetails(words, displaced=outcome.displaced)
            events.append(self._event(Happened.DELETED, action, now, details))
        elif action.drifted and (action.op is Op.FORGET or action.why == HOLDS_OTHERS):
            events.append(self._event(Happened.KEPT, action, now, EventDetails(action.why)))
        if action.why == BACK or (action.op is Op.MKDIR and action.expected is not None):
            self._report.look_again(0.0)  # for what is in this folder
        if outcome.displaced and action.drifted and action.op is not Op.DELETE:
            details = EventDetails(displaced=outcome.displaced)
            events.append(self._event(Happened.DISPLACED, action, now, details))
        return events

    def _arrived(self) -> Happened:
        """What has happened to a file that is at its destination now."""
        return Happened.UPLOADED if self._upload else Happened.DOWNLOADED

    def _event(
        self, happened: Happened, action: Action, now: float, details: EventDetails
    ) -> Event:
        entry = action.source or action.expected
        size = entry.size if entry else 0
        return self._rules.event(happened, now, action.path, size, details, self._direction)


def _uncertain(outcomes: Sequence[Outcome]) -> list[tuple[str, Entry]]:
    """The files of which nobody knows whether they arrived, with the hashes of what was sent."""
    found = []
    for one in outcomes:
        problem, source = one.problem, one.action.source
        uncertain = problem is not None and problem.code is Code.UNCERTAIN and one.hash
        if uncertain and source is not None and source.kind == FILE:
            found.append((one.action.path, source._replace(hash=one.hash)))
    return found


def _moved_bytes(
    transfers: Sequence[str], sizes: Sequence[int], had: Mapping[str, int]
) -> list[int | None]:
    """The bytes that moved of each file, where that is not the whole file."""
    before = map(had.get, transfers)
    return [size - known if known else None for size, known in zip(sizes, before, strict=True)]
