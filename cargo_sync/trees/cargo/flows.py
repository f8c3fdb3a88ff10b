"""The flows of one job: one for each direction. They share the job's turn and its speed.

A job has one turn, however many of its flows move content: the first to move takes it, and the last
to stop gives it back. While both directions move, each may use half of the job's speed, so that the
sum keeps to it; while one moves, that one may use all of it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from typing import Any

from cargo_sync.lanes.figures import Figures
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.flow import UNMEASURED, ClientFlow
from cargo_sync.trees.contract import Brought, Ends, Task


class JobFlows:
    """The running flows, by direction.

    turn     entered while content moves, to limit how many jobs of a daemon move it at once
    where    (workspace, folder)
    running  the flows that were begun and have not ended
    """

    def __init__(
        self,
        api: Api,
        world: World,
        turn: AbstractAsyncContextManager[Any],
        where: tuple[str, str],
    ) -> None:
        self._api = api
        self._world = world
        self._turn = turn
        self._where = where
        self._speed: int | None = None
        self._entering = asyncio.Lock()
        self._moving: set[Mode] = set()
        self._parts: dict[Mode, int | None] = {}
        """The parts of the speed that the flows know of."""
        self._resumed: dict[Mode, Mapping[str, int]] = {}
        self.running: dict[Mode, ClientFlow] = {}

    async def run(
        self,
        mode: Mode,
        near: Ends,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[tuple[Brought, Lineage], None]:
        """Like FarTree.transfer; with each result comes the lineage of the changes there."""
        if not self._moving:  # else the turn has said what the job may use
            self._speed = speed
        flow = ClientFlow(self._api, self._world, _Moving(self, mode), speed)
        self.running[mode] = flow
        self._parts.pop(mode, None)
        try:
            async with aclosing(flow.run(mode, near, batches, self._where, run)) as results:
                async for result in results:
                    yield result, flow.lineage
        finally:
            self._resumed[mode] = flow.resumed
            del self.running[mode]

    async def enter(self, mode: Mode) -> None:
        """The flow of this direction begins to move content, when the job has its turn."""
        async with self._entering:
            if not self._moving:
                await self._turn.__aenter__()
            self._moving.add(mode)
        try:
            await self._divide()
        except BaseException:
            await self.leave(mode)
            raise

    async def leave(self, mode: Mode) -> None:
        """It stops."""
        self._moving.discard(mode)
        self._parts.pop(mode, None)
        if not self._moving:
            await self._turn.__aexit__(None, None, None)
            return
        with suppress(ProblemError):  # the other one goes on with its half
            await self._divide()

    async def set_speed(self, bits: int | None) -> int | None:
        """Like FarTree.set_speed."""
        self._speed = bits
        self._parts.clear()
        return total_of(await self._divide())

    async def _divide(self) -> list[int | None]:
        """Gives each flow its part of the speed; one that does not move yet will begin with it.

        Returns:
            What the server grants to each flow that was given another part.
        """
        part = part_of(self._speed, len(self._moving))
        granted = []
        for mode, flow in list(self.running.items()):
            if mode not in self._parts or self._parts[mode] != part:
                granted.append(await flow.set_speed(part))
                self._parts[mode] = part
        return granted

    def rate(self, mode: Mode) -> int:
        """Like FarTree.rate."""
        flow = self.running.get(mode)
        return flow.rate() if flow is not None else UNMEASURED

    def resumed(self, mode: Mode) -> Mapping[str, int]:
        """Like FarTree.resumed."""
        return self._resumed.get(mode, {})

    def figures(self) -> dict[Mode, Figures]:
        """The figures of the lanes that there are now."""
        found = ((mode, flow.figures()) for mode, flow in self.running.items())
        return {mode: figures for mode, figures in found if figures is not None}

    def open_tasks(self) -> list[Task]:
        """Like FarTree.open_tasks."""
        return [task for flow in self.running.values() for task in flow.open_tasks()]

    def cancel(self, path: str) -> None:
        """Like FarTree.cancel."""
        for flow in self.running.values():
            flow.cancel(path)


class _Moving:
    """A context in which the flow of one direction moves content."""

    def __init__(self, flows: JobFlows, mode: Mode) -> None:
        self._flows = flows
        self._mode = mode

    async def __aenter__(self) -> None:
        await self._flows.enter(self._mode)

    async def __aexit__(self, *_: object) -> None:
        await self._flows.leave(self._mode)


def part_of(speed: int | None, moving: int) -> int | None:
    """What one flow may use of a job's speed, in bits per second, while so many move."""
    return None if speed is None else max(1, speed // max(1, moving))


def total_of(granted: Sequence[int | None]) -> int | None:
    """What several flows may use together, bits per second; None: one has no limit, or no flow."""
    known = [bits for bits in granted if bits is not None]
    return sum(known) if known and len(known) == len(granted) else None
