"""One direction of a run: what does and records the steps from one side to the other."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Final

from cargo_sync.engine.commit import Commit, OnEvents
from cargo_sync.engine.context import RunContext
from cargo_sync.engine.execution.metadata import XattrCommit
from cargo_sync.engine.execution.renaming import Renaming
from cargo_sync.engine.execution.steps import Execution
from cargo_sync.engine.execution.transfer_starts import TransferStarts
from cargo_sync.engine.planners.deferred import Deferred
from cargo_sync.engine.planners.obstacles import Obstacles
from cargo_sync.engine.planning import Steps
from cargo_sync.engine.verification import DamagedSources, DamagedThere
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.contract import FarTree, NearTree, Task
from cargo_sync.trees.recording import recorded

REJECTED: Final = "its deletion was rejected by a person"


class Direction:
    """Makes one side of a job follow the other.

    mode      UPLOAD: the far side follows the near one; DOWNLOAD: the reverse
    deferred  its steps that wait for the end of the survey
    rename    does renames at the destination
    """

    def __init__(
        self,
        mode: Mode,
        context: RunContext,
        near: NearTree,
        far: FarTree,
        deferred: Deferred,
        on_events: OnEvents,
        *,
        xattrs: bool = False,
    ) -> None:
        self.mode = mode
        self.deferred = deferred
        self._memory = context.memory
        self._report = context.report
        self._speed = context.rules.speed
        self._near = near
        self._far = far
        upload = mode is Mode.UPLOAD
        source, destination = (near, far) if upload else (far, near)
        self._commit = commit = (
            XattrCommit(context, mode, on_events, source, destination)
            if xattrs
            else Commit(context, mode, on_events)
        )
        if context.rules.mode is not Mode.BIDIRECTIONAL:
            commit.obstacles = Obstacles(context, mode, deferred, near)
        self._starts = starts = TransferStarts(context, mode, on_events)
        damaged = DamagedSources(context, near, commit) if upload else DamagedThere(commit)
        rate = partial(far.rate, mode)
        self.rename = Renaming(context, mode, destination, on_events)
        self._execution = Execution(
            context, mode, near, far, deferred, starts, commit, damaged, rate
        )

    async def follow(self, steps: AsyncIterator[Steps], *, counted: bool = False) -> None:
        """Does these steps, and moves their content.

        Args:
            steps: in the order of the plan.
            counted: the guard has let these steps pass already.

        Raises:
            ProblemError: a side cannot be reached, or the connection was cut.
        """
        batches = self._execution.batches(steps, counted=counted)
        moving = self._far.transfer(self.mode, self._near, batches, self._speed, self._report.run)
        try:
            async with aclosing(moving) as results:
                async for batch in results:
                    await recorded(self._commit.brought(batch))
        except (asyncio.CancelledError, ProblemError):
            with suppress(ProblemError):
                await recorded(self._starts.stopped())
            raise
        finally:
            self._report.advanced |= self._memory.parts.further(self._far.resumed(self.mode))

    async def delete(self, actions: Sequence[Action], waiting: Collection[str]) -> None:
        """Deletes at the destination, after the guard has let it pass.

        Folders that are `waiting` stay for now, if something is in them.
        """
        await self._execution.deletions(actions, waiting)

    async def forget(self, actions: Sequence[Action]) -> None:
        """Forgets what was agreed about deletions that a person has rejected: the files stay."""
        forgotten = [
            Action(Op.FORGET, one.path, expected=one.expected, why=REJECTED, drifted=True)
            for one in actions
            if one.op is Op.DELETE
        ]
        if forgotten:
            await self._commit([Outcome(one) for one in forgotten])

    async def retire(self, steps: AsyncIterator[Steps]) -> None:
        """Retires delivered files at the source."""
        batches: AsyncIterator[Sequence[Task]] = self._execution.batches(steps)
        async for moved in batches:
            raise AssertionError(f"retiring moves no content, but there is {moved!r}")
