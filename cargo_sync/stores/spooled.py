"""A store of contents without other machines: everything stays in the spool."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from cargo_sync.lanes.ports import Reader
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.contract import (
    ComingFile,
    Content,
    Done,
    NoForward,
    NothingComing,
    Secured,
    Wake,
)
from cargo_sync.stores.spool import BlobSpool, HoldCounts

IN_THE_SPOOL: Final = 0
"""The placement of a content that lies in the spool."""
PAGE: Final = 1_000


class LeavingRows(Protocol):
    """The rows of contents, for who deletes them (`state.blobs`). Any thread may call it."""

    def doom(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        """The workspace has those of these no more that are condemned."""


class Owners(Protocol):
    """Who has contents (`state.blob_owners`). Any thread may call it."""

    def owned(self, hashes: Sequence[str]) -> set[str]:
        """Those of these that some workspace has."""


class SpooledStore:
    """Keeps contents in one folder; see `contract.ContentStore`. Any thread may use it."""

    def __init__(
        self,
        spool: BlobSpool,
        holds: HoldCounts,
        rows: LeavingRows,
        owners: Owners,
        lived: Callable[[], float],
    ) -> None:
        """`holds` are those of the spool; `lived` reads the retention clock."""
        self.spool = spool
        self._holds = holds
        self._rows = rows
        self._owners = owners
        self._lived = lived

    def forward(self, workspace: int, file: ComingFile) -> NoForward:
        return NoForward()  # it stays here

    def is_here(self, workspace: int, file: Offer, source: bytes) -> bool:
        return True  # there is no other server

    def secure(self, workspace: int, contents: Sequence[Content], done: Done) -> None:
        done([Secured(IN_THE_SPOOL)] * len(contents))  # placing them has made them durable

    def release(self, contents: Sequence[Content]) -> None:
        free = self._holds.release([one.hash for one in contents])
        self._remove(free)

    def refusal(self, workspace: int) -> Problem | None:
        return None

    def open(self, workspace: int, content: Content, wake: Wake | None) -> Reader:
        return self.spool.open(content)

    def coming(
        self, workspace: int, contents: Sequence[Content], wake: Wake | None = None
    ) -> NothingComing:
        return NothingComing()  # they are here

    def forget(self, workspace: int, hashes: Sequence[str]) -> None:
        with self._holds.lock:
            free = [hash for hash in hashes if not self._holds.is_held(hash)]
            self._rows.doom(workspace, free, self._lived())
        self._remove(free)

    def clean(self) -> None:
        """Removes what an earlier process left that no workspace has; call it before the others.

        Raises:
            ProblemError: the spool cannot be read.
        """
        after = ""
        while found := self.spool.blobs.inventory(after, PAGE).hashes:
            self._remove(found)
            after = found[-1]

    def room(self, workspace: int) -> int | None:
        return self.spool.blobs.room().free

    def _remove(self, hashes: Sequence[str]) -> None:
        """Removes what no workspace has, and nobody holds."""
        if not hashes:
            return
        with self._holds.lock:
            owned = self._owners.owned(hashes)
            free = [one for one in hashes if one not in owned and not self._holds.is_held(one)]
            self.spool.blobs.remove(free)
