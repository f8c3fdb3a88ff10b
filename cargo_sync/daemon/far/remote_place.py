"""A folder on somebody else's server, for a session."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final

from cargo_sync.admission.turn import Turn
from cargo_sync.daemon.far.place import RemoteSpace, has_no
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.world import World
from cargo_sync.trees.remote.below import RemoteBelow
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.kept_trash import KeptTrash
from cargo_sync.trees.remote.relayed import RelayedFolder
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteUse
from cargo_sync.trees.remote.visit import VisitedRemote

LOOKS: Final = RemoteUse(makes=False, changes=False)
MAKES: Final = RemoteUse(makes=True, changes=False)
CHANGES: Final = RemoteUse(makes=False, loses=True, life=None)
"""A person may also replace and delete where there can be no trash: each command says so. What is
in the trash stays there: how long it is kept is for a job to say."""


class RemotePlace:
    """See FarPlace. All gets and puts share one connection."""

    def __init__(
        self, url: str, username: str, remote: RemoteFolder, memory: RemoteMemory, world: World
    ) -> None:
        self.url = url
        self.username = username
        self.spaces: list[RemoteSpace] = []
        self.space = RemoteSpace("", "rw")
        self._remote = remote
        self._memory = memory
        self._world = world
        self._root = ""
        self._tree = self._of(remote, CHANGES, nullcontext())
        self._changing = asyncio.Lock()
        self._may_change = False

    @property
    def abilities(self) -> Abilities:
        return self._remote.abilities

    async def open(self, workspace: str, *, make: bool = False) -> None:
        use = MAKES if make else LOOKS
        self._root = (await self._of(self._remote, use, nullcontext()).open()).root
        self._tree.known_as(self._root)

    async def use(self, name: str) -> None:
        has_no("workspaces")

    def tree(self) -> VisitedRemote:
        return self._tree

    def trash(self) -> KeptTrash:
        return KeptTrash(self._same, self._memory.ages, self._world.offload)

    def _same(self) -> RemoteBelow:
        """The whole folder, over the connection that there is."""
        return RemoteBelow(self._remote, "", self._root)

    async def begin_changes(self) -> None:
        """Before the first change it finds out what the server keeps, with a file of its own."""
        async with self._changing:
            if not self._may_change:
                await self._tree.open()
                self._may_change = True

    def visited(self, folder: str, turn: Turn) -> VisitedRemote:
        below = RemoteBelow(self._remote, folder, self._root)
        return self._of(below, CHANGES, turn)

    def relayed(self, folder: str) -> RelayedFolder:
        below = RemoteBelow(self._remote, folder, self._root)
        name = f"{self._root}/{folder}" if folder else self._root
        return RelayedFolder(self._of(below, LOOKS, nullcontext()), below, name)

    async def close(self) -> None:
        await self._remote.close()

    def _of(
        self, remote: RemoteFolder, use: RemoteUse, turn: AbstractAsyncContextManager[Any]
    ) -> VisitedRemote:
        visited = VisitedRemote(remote, use, self._memory, self._world, turn)
        visited.known_as(self._root)
        return visited
