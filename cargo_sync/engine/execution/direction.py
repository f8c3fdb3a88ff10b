"""One direction of a run: what does and records the steps from one side to the other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial

from cargo_sync.engine.commit import Commit, OnEvents
from cargo_sync.engine.context import RunContext
from cargo_sync.engine.execution.renaming import Renaming
from cargo_sync.engine.execution.steps import Execution
from cargo_sync.engine.execution.transfer_starts import TransferStarts
from cargo_sync.engine.planning import Steps
from cargo_sync.engine.verification import DamagedSources, DamagedThere
from cargo_sync.model.actions import Action
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.guard import Guard
from cargo_sync.trees.contract import FarTree, NearTree, Task


class Direction:
    """Makes one side of a job follow the other.

    mode   UPLOAD: the far side follows the near one; DOWNLOAD: the reverse
    guard  counts what is deleted and overwritten in this direction
    rename  does renames at the destination
    """

    def __init__(
        self,
        mode: Mode,
        context: RunContext,
        near: NearTree,
        far: FarTree,
        guard: Guard,
        on_events: OnEvents,
    ) -> None:
        self.mode = mode
        self.guard = guard
        self._memory = context.memory
        self._report = context.report
        self._speed = context.rules.speed
        self._near = near
        self._far = far
        self._commit = commit = Commit(context, mode, on_events)
        upload = mode is Mode.UPLOAD
        source, destination = (near, far) if upload else (far, near)
        starts = TransferStarts(context, mode, on_events)
        damaged = DamagedSources(context, near, commit) if upload else DamagedThere(commit)
        rate = partial(far.rate, mode)
        self.rename = Renaming(context, mode, destination, on_events)
        self._execution = Execution(
            context, mode, source, destination, guard, starts, commit, damaged, rate
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
                    await self._commit.brought(batch)
        finally:
            self._report.advanced |= self._memory.parts.further(self._far.resumed(self.mode))

    async def delete(self, actions: Sequence[Action]) -> None:
        """Deletes at the destination, after the guard has let it pass."""
        await self._execution.deletions(actions)

    async def retire(self, steps: AsyncIterator[Steps]) -> None:
        """Retires delivered files at the source."""
        batches: AsyncIterator[Sequence[Task]] = self._execution.batches(steps)
        async for moved in batches:
            raise AssertionError(f"retiring moves no content, but there is {moved!r}")
