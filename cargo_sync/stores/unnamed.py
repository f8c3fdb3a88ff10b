"""Contents that have no name yet: they are sent to a node while they still arrive at its server.

Their hash is not known before all of them is there. So a node keeps one aside, under the hash that
it has found itself, and gives it that name only when its server asks for a content of this hash
and size over the same lane. It keeps it no longer than this lane lives, and `LONGEST` at most;
nothing of it is resumed, or there after a restart.
"""

import re
from typing import Final

from cargo_sync.model.checkpoints import Checkpoint
from cargo_sync.model.transfers import Offer

LONGEST: Final = 3_600.0
"""Seconds that one may take to come."""
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


def unnamed(id: str, size: int, holes: int = 0) -> Offer:
    """How one is offered; `id` is 32 hex digits, used once."""
    return Offer(id, size, 0, 0, 1, 1, "", holes=holes)


def is_unnamed(offer: Offer) -> bool:
    """Whether an offer is one of these, and not of a content by its hash."""
    named = offer.hash or offer.target or not offer.size
    return not named and _ID.fullmatch(offer.path) is not None


class NoCheckpoints:
    """Keeps no resume points: see `local.parts.CheckpointStore`.

    A file with such a store is synced while it comes, and removed when it is not complete.
    """

    def get(self, transfer: str) -> Checkpoint | None:
        return None

    def earlier(self, transfer: str, path: str) -> list[str]:
        return []

    def put(self, checkpoint: Checkpoint) -> None:
        """It is not kept."""

    def drop(self, transfer: str) -> None:
        """None is kept."""
