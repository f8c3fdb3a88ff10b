"""What to believe of a node that comes back, from the epoch and the sequence of its folder.

A node's folder has a marker, its epoch, and a sequence that grows with each change and is as
durable as the change. What is recorded of a node is covered by the sequence that it had after that.
So one that shows at least this sequence has all that is recorded. One that shows a lower sequence
was brought back from an older copy; one with another epoch has another folder, or lost its marker.
Then nothing is believed to lie there until it has given its whole inventory.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple


class Return(StrEnum):
    """What a node's folder is."""

    NEW = "new"
    AS_KNOWN = "as known"
    OLDER = "older"
    RENEWED = "renewed"

    @property
    def is_trusted(self) -> bool:
        """All that is recorded of the node is there."""
        return self is Return.AS_KNOWN


class Life(NamedTuple):
    """The identity of a node's folder, and how often it has changed. Epoch "": none is known."""

    epoch: str = ""
    sequence: int = 0


def judge(known: Life, shown: Life) -> Return:
    """What the folder is that a node shows, by what is known of it."""
    if not known.epoch:
        return Return.NEW
    if known.epoch != shown.epoch:
        return Return.RENEWED
    return Return.OLDER if shown.sequence < known.sequence else Return.AS_KNOWN


class InventoryDifference(NamedTuple):
    """What differs in one page of a node's inventory.

    lost   contents that are recorded there and are not there, or are cut short
    found  contents that are there, whole, and are not recorded there
    """

    lost: list[str]
    found: list[str]


def compare(
    there: Mapping[str, int], recorded: Collection[str], owned: Mapping[str, int]
) -> InventoryDifference:
    """Compares a page.

    Args:
        there: the sizes of the contents that the node has, by hash.
        recorded: the hashes that are recorded there, in the same range.
        owned: the sizes of those that workspaces have, of both.
    """
    whole = {hash for hash, size in there.items() if owned.get(hash, size) == size}
    return InventoryDifference(
        sorted(hash for hash in recorded if hash not in whole),
        sorted(hash for hash in whole if hash not in recorded),
    )
