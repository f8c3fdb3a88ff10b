"""Large files that a workspace gets go on to its store while they still come."""

from hashlib import blake2b
from typing import Final

from cargo_sync.local.parts import PartFile
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.contract import ComingFile, ContentStore, Forward, NoForward

FORWARD_FROM: Final = 32 * 2**20
"""Bytes of a file that goes on while it comes. A smaller one is quickly sent as a whole, together
with the next ones."""


def forward_of(
    store: ContentStore, workspace: int, offer: Offer, part: PartFile, transfer: str = ""
) -> Forward:
    """A file has begun to be staged, as `part`: what goes on of it.

    `transfer` is its id in the spool, if its sender goes on with it after a cut.
    """
    if offer.size < FORWARD_FROM:
        return NoForward()
    source = source_of(offer) if transfer else b""
    file = ComingFile(offer.size, offer.holes, part.opener(), part.form, transfer, source)
    return store.forward(workspace, file)


def may_be_elsewhere(offer: Offer) -> bool:
    """Whether some of a file may have come to another server, which has recorded that."""
    return offer.size >= FORWARD_FROM and bool(offer.transfer)


def source_of(offer: Offer) -> bytes:
    """A digest of which version of which file it is, as checkpoints have it."""
    told = (offer.path, offer.version, offer.ident, offer.size, offer.mtime_ns)
    return blake2b(repr(told).encode(), digest_size=16).digest()
