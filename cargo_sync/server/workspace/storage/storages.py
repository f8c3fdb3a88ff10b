"""All that keeps contents of workspaces: their folders, the storage nodes, the buckets."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.config.server import WorkspaceSettings
from cargo_sync.server.workspace.opened import OpenWorkspaces
from cargo_sync.server.workspace.storage.in_buckets import ObjectStorage
from cargo_sync.server.workspace.storage.on_nodes import NodeStorage
from cargo_sync.server.workspace.storage.spool import pause

FIRST: Final = 3.0
"""Seconds that a start waits for nodes and buckets."""
_LOOK: Final = 0.05


class Storages(NamedTuple):
    """The open workspaces, and the stores of those that are not folders."""

    opened: OpenWorkspaces
    nodes: NodeStorage
    buckets: ObjectStorage

    async def open(self, workspaces: Sequence[WorkspaceSettings]) -> None:
        """Opens the stores that these need. Raises ProblemError."""
        opened = self.opened
        opened.stored = await self.nodes.open(workspaces) or opened.stored
        opened.in_buckets = await self.buckets.open(workspaces) or opened.in_buckets

    def serve(self, workspaces: Sequence[WorkspaceSettings], tasks: asyncio.TaskGroup) -> None:
        """Keeps the contents of these from now on, which are open."""
        self.nodes.serve(workspaces, self.opened.id_at, tasks)
        self.buckets.serve(workspaces, self.opened.id_at)

    async def first_answers(self, steady: Callable[[], float]) -> None:
        """Waits a moment until it is known which nodes and buckets can be used.

        Else who comes right after a start is refused.
        """
        until = steady() + FIRST
        while not (self.nodes.is_asked and self.buckets.is_asked) and steady() < until:
            await pause(_LOOK)

    async def joined(
        self, workspaces: Sequence[WorkspaceSettings], tasks: asyncio.TaskGroup
    ) -> None:
        """A node has joined: it is followed from now on. Raises ProblemError."""
        await self.open(workspaces)
        self.nodes.serve(workspaces, self.opened.id_at, tasks)
        await self.nodes.read_nodes()

    async def rest(self) -> None:
        """Ends the stores' work; then watching and scanning."""
        await self.nodes.rest()
        await self.buckets.rest()
        self.opened.rest()

    def close(self) -> None:
        """Closes folders and stores, which must not be in use any more."""
        self.opened.close()
        self.nodes.close()
        self.buckets.close()
