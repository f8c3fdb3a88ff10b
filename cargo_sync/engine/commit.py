"""Commit: outcomes become agreements and events in one transaction; then listeners are called."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from cargo_sync.engine.context import RunContext
from cargo_sync.machines.retry import cancelled
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import Agreed, agree
from cargo_sync.model.entries import FILE
from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.slices import path_cost, slices

RETRY_AT_ONCE: Final = frozenset({Code.CHANGED, Code.VANISHED, Code.OCCUPIED})
"""Codes that only mean that the plan is out of date; another look makes a new one at once."""

TOGETHER: Final = 2_000
"""Outcomes that are recorded in one transaction, fewer of those deep down."""

OnEvents = Callable[[Sequence[Event], int], None]
"""Called with recorded events and the cursor of the last; must not block."""


class Commit:
    """Records what a run has done."""

    def __init__(self, context: RunContext, on_events: OnEvents) -> None:
        self._rules = context.rules
        self._memory = context.memory
        self._world = context.world
        self._report = context.report
        self._progress = context.progress
        self._on_events = on_events

    async def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Records outcomes, which must be durable on their sides already."""
        for some in slices(outcomes, _cost, TOGETHER):
            await self._record(some)

    async def _record(self, outcomes: Sequence[Outcome]) -> None:
        now = self._world.wall()
        taken_up = [
            one.action.path
            for one in outcomes
            if self._memory.failures.was_put_off(one.action.path)
        ]
        agreements: list[tuple[str, Agreed | None]] = []
        events: list[Event] = []
        for outcome in outcomes:
            if outcome.problem is not None:
                events += self._failed(outcome, outcome.problem, now)
                continue
            self._memory.failures.succeeded(outcome.action.path)
            self._memory.settling.forget(outcome.action.path)
            agreements.append((outcome.action.path, self._agreement(outcome)))
            events += self._happened(outcome, now)
        self._report.advanced |= bool(agreements)
        moved = [outcome for outcome in outcomes if outcome.transfer]
        done = [outcome.action.path for outcome in moved if outcome.problem is None]
        failed = [outcome.action.path for outcome in moved if outcome.problem is not None]
        agree = partial(self._memory.folders.agree, done=done, failed=failed)
        cursor = await self._world.offload(agree, agreements, events)
        if taken_up:
            await self._world.offload(self._memory.transfers.take_up, self._memory.job_id, taken_up)
        for outcome in outcomes:
            if outcome.problem is not None and outcome.problem.code == Code.CANCELLED:
                await self._put_off(outcome.action)
        if events:
            self._on_events(events, cursor)

    def _agreement(self, outcome: Outcome) -> Agreed | None:
        source, result = outcome.source, outcome.result
        if source is None or result is None:
            return None
        near, far = (source, result) if self._rules.mode is Mode.UPLOAD else (result, source)
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
        if (
            problem.code in (Code.BAD_TIME, Code.DAMAGED)
            and action.source
            and self._memory.failures.knows(action.path)
        ):
            state = (action.source.version, action.source.ident)
            self._memory.failures.put_off(action.path, problem, state)
        if problem.code == Code.DISK_FULL:
            self._memory.room.refused(action.path, action.bytes, problem)
        details = EventDetails(str(problem), problem.code_text, outcome.transfer)
        return [self._event(Happened.FAILED, action, now, details)]

    def _happened(self, outcome: Outcome, now: float) -> list[Event]:
        action = outcome.action
        if action.op in (Op.PUT, Op.MKDIR):
            if self._memory.room.took(action.path, action.bytes):
                self._memory.failures.retry_at(Code.DISK_FULL, 0.0)
                self._report.look_again(0.0)
            self._report.acted = True
            self._report.bytes += action.bytes
            if action.op is Op.PUT:
                self._progress.done(1, action.bytes)
                self._report.files += 1
        events = []
        if action.op is Op.PUT or (action.op is Op.ADOPT and outcome.transfer):
            upload = self._rules.mode is Mode.UPLOAD
            happened = Happened.UPLOADED if upload else Happened.DOWNLOADED
            details = EventDetails(
                transfer=outcome.transfer,
                hash=outcome.hash,
                seconds=round(outcome.seconds, 6) if action.op is Op.PUT else None,
                lost=outcome.lost,
                rtt_ms=outcome.rtt_ms,
                moved=action.bytes - outcome.had if outcome.had else None,
            )
            events.append(self._event(happened, action, now, details))
        elif action.op is Op.ADOPT and action.source and action.source.kind == FILE:
            events.append(
                self._event(Happened.ADOPTED, action, now, EventDetails(hash=outcome.hash))
            )
        elif action.op is Op.DELETE:
            self._report.acted = True
            events.append(
                self._event(
                    Happened.DELETED, action, now, EventDetails(displaced=outcome.displaced)
                )
            )
        elif action.op is Op.FORGET and action.drifted:
            events.append(self._event(Happened.KEPT, action, now, EventDetails(action.why)))
        if outcome.displaced and action.drifted and action.op is not Op.DELETE:
            events.append(
                self._event(
                    Happened.DISPLACED, action, now, EventDetails(displaced=outcome.displaced)
                )
            )
        return events

    def _event(
        self, happened: Happened, action: Action, now: float, details: EventDetails
    ) -> Event:
        entry = action.source or action.expected
        return self._rules.event(happened, now, action.path, entry.size if entry else 0, details)


def _cost(outcome: Outcome) -> int:
    return path_cost(outcome.action.path)
