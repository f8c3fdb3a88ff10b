"""Far trees over remotes in memory, for tests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from cargo_sync.local.ages import MemoryAges
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.world import World
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.contract import Brought, Ends, Task
from cargo_sync.trees.remote.transfer.uploads import MemoryUploads
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteTree, RemoteUse
from tests.offloads import inline

RUN = "20260101T000000Z-aaaaaaaa"


class Clocks:
    """A world whose time passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.world = World(self.at, self.at, lambda: 0.5, lambda: "f" * 32, inline, self.at)

    def at(self) -> float:
        return self.now


class ServerTree(RemoteTree):
    """A far tree on a server in memory."""

    def __init__(
        self,
        world: World,
        abilities: Abilities,
        server: MemoryServer | None = None,
        use: RemoteUse | None = None,
        turn: AbstractAsyncContextManager[Any] | None = None,
        memory: RemoteMemory | None = None,
    ) -> None:
        self.server = server or MemoryServer()
        tells = not abilities.folders
        self.remote = MemoryRemote(self.server, abilities, piece=2**20, tells=tells)
        memory = memory or RemoteMemory(MemoryUploads(world.lived), MemoryAges(world.lived))
        turn = turn or asyncio.Semaphore(1)
        super().__init__(self.remote, use or RemoteUse(), memory, world, turn)


def put(path: str, source: Entry, expected: Entry | None = None, transfer: str = "") -> Task:
    return Task(Action(Op.PUT, path, source, expected), transfer or f"{abs(hash(path)):032x}"[-32:])


async def moved(far: RemoteTree, mode: Mode, near: Ends, *batches: Sequence[Task]) -> list[Brought]:
    """What became of these batches."""

    async def each() -> AsyncIterator[Sequence[Task]]:
        for batch in batches:
            yield batch

    return [brought async for brought in far.transfer(mode, near, each(), None, RUN)]
