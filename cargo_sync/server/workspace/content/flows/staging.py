"""The spool's staging, as one workspace uses it: others share it, and names there mean nothing."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from cargo_sync.local.fresh_folders import FreshFolders, StagedFolder
from cargo_sync.local.parts import PartFile, Staged
from cargo_sync.local.space import Reservation
from cargo_sync.local.writer import WriteBehind
from cargo_sync.model.transfers import Offer, stem
from cargo_sync.stores.blobs import for_blobs
from cargo_sync.stores.contract import Spool

_GENERATION: Final = 4
_DIGITS: Final = 12


class SpoolStaging:
    """Stages the files of flows into one workspace, whose epoch is `epoch`.

    Their modes are those of blobs; the catalogue has the offered ones. Their transfers get ids that
    users of other workspaces cannot name; ids that succeed each other still do.

    fresh  no folder is made here
    """

    def __init__(self, spool: Spool, epoch: str) -> None:
        self._spool = spool
        self._staging = spool.staging
        self._epoch = epoch
        self.fresh = FreshFolders()

    def check(self) -> None:
        self._staging.check()

    def reservation(self) -> Reservation:
        return self._staging.reservation()

    def folder(self, path: str) -> StagedFolder | None:
        """None: each file is staged alone."""

    def remove_folders(self, folders: Iterable[str]) -> None:
        """There are none."""

    def write(
        self,
        offer: Offer,
        content: memoryview,
        behind: WriteBehind | None = None,
        within: StagedFolder | None = None,
    ) -> Staged:
        small = self._spool.write(offer.path, content)
        return small or self._staging.write(self.own(offer), content, behind)

    def part(self, offer: Offer) -> PartFile:
        return self._staging.part(self.own(offer))

    def link(self, offer: Offer) -> Staged:
        """Links have no content: there is nothing to stage."""
        return Staged(offer.path, "", 0, 0, offer.mtime_ns, target=offer.target, durable=True)

    def discard(self, staged: Staged, *, keep: bool = False) -> None:
        if not staged.target:
            self._spool.discard(staged, keep=keep)

    def release(self, transfer: str) -> None:
        self._staging.release(self.id_of(transfer))

    def own(self, offer: Offer) -> Offer:
        """An offer as its file is staged in the spool."""
        [blob] = for_blobs([offer])
        return blob._replace(transfer=self.id_of(offer.transfer))

    def id_of(self, transfer: str) -> str:
        """The id in the spool of a transfer into this workspace."""
        if not transfer:
            return transfer
        first = stem(transfer)
        line = blake2b(f"{self._epoch} {first}".encode(), digest_size=8).hexdigest()
        own = blake2b(f"{self._epoch} {transfer}".encode(), digest_size=8).hexdigest()
        return line + transfer[len(first) :][:_GENERATION] + own[:_DIGITS]
