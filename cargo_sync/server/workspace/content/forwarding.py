"""Large files that a workspace gets go on to its store while they still come."""

from typing import Final

from cargo_sync.local.parts import PartFile
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.contract import ComingFile, ContentStore, Forward, NoForward

FORWARD_FROM: Final = 32 * 2**20
"""Bytes of a file that goes on while it comes. A smaller one is quickly sent as a whole, together
with the next ones."""


def forward_of(store: ContentStore, workspace: int, offer: Offer, part: PartFile) -> Forward:
    """A file has begun to be staged, as `part`: what goes on of it."""
    if offer.size < FORWARD_FROM:
        return NoForward()
    file = ComingFile(offer.size, offer.holes, part.opener(), part.form)
    return store.forward(workspace, file)
