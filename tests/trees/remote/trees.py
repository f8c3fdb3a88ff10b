"""Far trees over remotes in memory, for tests."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

from cargo_sync.local.ages import MemoryAges
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.world import World
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.remote.transfer.uploads import MemoryUploads
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteTree, RemoteUse


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
        self.remote = MemoryRemote(self.server, abilities, tells=not abilities.folders)
        memory = memory or RemoteMemory(MemoryUploads(world.lived), MemoryAges(world.lived))
        turn = turn or asyncio.Semaphore(1)
        super().__init__(self.remote, use or RemoteUse(), memory, world, turn)
