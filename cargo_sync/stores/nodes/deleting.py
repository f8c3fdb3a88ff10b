"""Copies that nobody wants are deleted.

The order to delete is a row (`state.blobs`), so it survives a crash, and waits for a node that is
away. Before a node is asked, the contents are claimed (`Claims`): nobody can begin to rely on
copies that are about to go.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from cargo_sync.machines.nodes.copies import standing
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.blobs import LEAVING, NOBODY
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Cluster

BATCH: Final = 1_000


class Deleting:
    """Deletes what is leaving."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._after: dict[int, str] = {}

    def forget(self, workspace: int, hashes: Sequence[str]) -> None:
        """A workspace has those of these no more that are condemned. It blocks; any thread."""
        with self._cluster.claims.deleting(hashes) as free:
            self._cluster.blobs.doom(workspace, free, self._cluster.world.lived())

    async def age(self) -> bool:
        """Copies that nobody knows leave after `Cluster.keep_unknown` seconds; whether some did."""
        cluster = self._cluster
        if not cluster.deletes():
            return False
        before = cluster.world.lived() - cluster.keep_unknown
        rows = await cluster.world.offload(cluster.blobs.overdue, before, BATCH)
        lone = [row.hash for row in rows if row.workspace == NOBODY]
        if lone:
            await cluster.world.offload(self.forget, NOBODY, lone)
        await cluster.world.offload(cluster.blobs.purge)
        return bool(lone)

    async def step(self) -> bool:
        """Deletes one batch on each node that is up; whether there may be more."""
        more = False
        if not self._cluster.deletes():
            return False
        for node, member in self._cluster.links.members().items():
            if member.gives:
                more = await self._on(node) or more
                await self._put_away(node)
        return more

    async def _put_away(self, node: int) -> None:
        """What a node has moved aside goes, if enough others have it: they got the new copies."""
        cluster = self._cluster
        with cluster.claims.deleting(cluster.links.aside(node)) as free:
            session = cluster.links.session(node)
            if session is None or not free:
                return
            rows = await cluster.world.offload(cluster.blobs.find, free)
            sets = await cluster.world.offload(cluster.blobs.placements)
            here = {id: one for id, one in cluster.links.members().items() if one.gives}
            needed = {
                row.hash
                for row in rows
                if node in sets[row.placement]
                or standing(sets[row.placement], here, cluster.wanted(row.workspace)).missing
            }
            if gone := [hash for hash in free if hash not in needed]:
                with suppress(ProblemError):
                    await cluster.links.delete(node, gone)
                    await cluster.links.confirm(node, session)

    async def _on(self, node: int) -> bool:
        cluster = self._cluster
        call = cluster.world.offload
        after = self._after.get(node, "")
        hashes = await call(cluster.blobs.leaving, node, after, BATCH)
        if not hashes:
            return self._after.pop(node, None) is not None
        self._after[node] = hashes[-1]
        with cluster.claims.deleting(hashes) as free:
            session = cluster.links.session(node)
            if session is None or not free:
                return True
            wanted = await self._wanted(node, session.life, free)
            try:
                deleted = [hash for hash in free if hash not in wanted]
                await cluster.links.delete(node, deleted)
                await cluster.links.confirm(node, session)
            except ProblemError:
                return True
            await call(cluster.blobs.leave, node, deleted, list(wanted))
        return True

    async def _wanted(self, node: int, life: int, hashes: Sequence[str]) -> set[str]:
        """Those that another row still has on this node, or needs there by now."""
        cluster = self._cluster
        rows = await cluster.world.offload(cluster.blobs.find, hashes)
        sets = await cluster.world.offload(cluster.blobs.placements)
        live = [row for row in rows if row.state < LEAVING and row.workspace != NOBODY]
        members = cluster.links.members()
        short = [
            Content(row.hash, row.size)
            for row in live
            if node not in sets[row.placement]
            and standing(sets[row.placement], members, cluster.wanted(row.workspace)).missing
        ]
        await cluster.found(node, life, short)
        kept = {row.hash for row in rows if row.state < LEAVING and node in sets[row.placement]}
        return kept.union(one.hash for one in short)
