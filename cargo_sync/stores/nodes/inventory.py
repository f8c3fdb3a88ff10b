"""A node that comes: what its folder holds is found out before it is used.

No deletion of an earlier session may happen later (`fence`). If the folder is not what it was, no
copy counts there until it was found: this is one small transaction, whatever the node holds
(state/placements.py). Then the inventory is compared with the rows, a page at a time; if the server
dies meanwhile, it begins again. What no workspace has is not deleted at once: somebody may be about
to record it.

A node whose folder is what it was may be used at once, and compared meanwhile: what is placed there
in between is in the inventory when it is asked for a second time.
"""

from collections.abc import Sequence
from typing import Final

from cargo_sync.machines.nodes.returning import Life, compare, judge
from cargo_sync.state.blobs import NOBODY, BlobRow
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Cluster, FolderRows

PAGE: Final = 2_000


class TakingIn:
    """Takes nodes in."""

    def __init__(self, cluster: Cluster, folders: FolderRows) -> None:
        self._cluster = cluster
        self._folders = folders

    async def join(self, node: int, known: Life, life: int, shown: Life) -> int:
        """Makes sure what a node holds. Nothing is placed on it or deleted there meanwhile.

        Args:
            node: which.
            known: what is known of its folder.
            life: the number of the folder's life (`state.nodes`).
            shown: what it says of it now.

        Returns:
            The number of the folder's life from now on.

        Raises:
            ProblemError: it went away meanwhile.
        """
        call = self._cluster.world.offload
        await self._cluster.links.fence(node)
        if not judge(known, shown).is_trusted:
            life = await call(self._folders.forget_copies, node)
            await self.compare(node, life)
        await call(self._folders.heard, node, shown.epoch, shown.sequence)
        return life

    async def compare(self, node: int, life: int) -> None:
        """Compares the inventory of a node with the rows.

        Raises:
            ProblemError: it went away meanwhile.
        """
        links, after = self._cluster.links, ""
        while True:
            there = dict(await links.inventory(node, after, PAGE))
            upto = "" if len(there) < PAGE else max(there)
            await self._page(node, life, there, after, upto)
            if not upto:
                return
            after = upto

    async def _page(
        self, node: int, life: int, there: dict[str, int], after: str, upto: str
    ) -> None:
        cluster = self._cluster
        call, blobs = cluster.world.offload, cluster.blobs
        rows = await call(blobs.find, list(there))
        while True:
            recorded = await call(blobs.recorded, node, after, upto, PAGE)
            rows += await call(blobs.find, recorded)
            last = recorded[-1] if len(recorded) == PAGE else upto
            inside = {hash: size for hash, size in there.items() if _within(hash, after, last)}
            owned = {row.hash: row.size for row in rows if _is_owned(row)}
            differing = compare(inside, recorded, owned)
            if lost := await self._still_lost(node, after, differing.lost, owned):
                await call(blobs.lose, node, lost)
            found = [Content(hash, inside[hash]) for hash in differing.found]
            await cluster.found(node, life, found)
            if found and (gone := await self._still_lost(node, after, differing.found, inside)):
                await call(blobs.lose, node, gone)  # they were deleted after the first look
            if last == upto:
                return
            after = last

    async def _still_lost(
        self, node: int, after: str, lost: Sequence[str], owned: dict[str, int]
    ) -> list[str]:
        """Those that are not there now: the others came after the first look."""
        left = set(lost)
        while left:
            page = await self._cluster.links.inventory(node, after, PAGE)
            left -= {hash for hash, size in page.items() if owned.get(hash) == size}
            after = max(page, default="")
            if len(page) < PAGE or after >= lost[-1]:
                break
        return sorted(left)


def _within(hash: str, after: str, last: str) -> bool:
    return after < hash and (not last or hash <= last)


def _is_owned(row: BlobRow) -> bool:
    return row.workspace != NOBODY
