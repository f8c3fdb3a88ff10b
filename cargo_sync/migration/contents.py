"""The rows of what a workspace has in a store: on storage nodes, or in a bucket."""

from collections.abc import Callable, Sequence
from typing import Protocol

from cargo_sync.machines.nodes.placement import quorum
from cargo_sync.migration.sending import SentRows
from cargo_sync.state.blob_owners import BlobOwners
from cargo_sync.state.blobs import LIVE, Blobs
from cargo_sync.state.database import Database
from cargo_sync.state.object_contents import ObjectContents


class StoredRows(SentRows, Protocol):
    """Which contents of a workspace are in a store."""

    def live(self, workspace: int, after: str, limit: int) -> list[str]:
        """Up to `limit` hashes, greater than `after`, of what the workspace has there."""

    def leave(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        """The workspace has these not any more; its server deletes them. It may be done again."""

    def size(self, workspace: int) -> int:
        """Bytes of the contents, each counted once."""

    def short(self, workspace: int) -> int:
        """How many contents have fewer copies than are wanted."""


class RowsOnNodes:
    """Those on storage nodes."""

    def __init__(self, database: Database, copies: int) -> None:
        """`copies` are wanted; 0 where it does not matter."""
        self._blobs = Blobs(database)
        self._owners = BlobOwners(database)
        self._copies = copies
        self.record = self._blobs.record
        self.live = self._owners.live

    def safe(self, workspace: int, hashes: Sequence[str]) -> set[str]:
        sets, least = self._blobs.placements(), quorum(self._copies) if self._copies else 0
        return {
            row.hash
            for row in self._blobs.find(hashes)
            if row.workspace == workspace
            and row.state == LIVE
            and len(sets.get(row.placement, ())) >= least
        }

    def leave(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        self._blobs.condemn(workspace, hashes, now)
        self._blobs.doom(workspace, hashes, now)

    def size(self, workspace: int) -> int:
        return sum(one.bytes for one in self._blobs.holdings() if one.workspace == workspace)

    def short(self, workspace: int) -> int:
        sets = self._blobs.placements()
        return sum(
            one.blobs
            for one in self._blobs.holdings()
            if one.workspace == workspace and len(sets.get(one.placement, ())) < self._copies
        )


class RowsInBucket:
    """Those in a bucket; `lived` reads the retention clock."""

    def __init__(self, database: Database, lived: Callable[[], float]) -> None:
        self._contents = ObjectContents(database, lived)
        self.record = self._contents.record
        self.live = self._contents.live
        self.safe = self._contents.safe
        self.size = self._contents.size

    def leave(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        self._contents.condemn(workspace, hashes, now)
        self._contents.forget(workspace, hashes, now)

    def short(self, workspace: int) -> int:
        del workspace
        return 0
