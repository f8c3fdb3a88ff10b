"""What of a trash is freed: what is old enough, and the oldest of it if there is too much.

Theory. Ages are by the retention clock (machines/retention.py), from the moment when a version was
displaced or found. A full disk frees nothing: what people may want back is not the room that others
need, and a mistake fills a disk easily.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cargo_sync.model.displaced import KeptVersion


class TrashLimits(NamedTuple):
    """How much a trash keeps.

    seconds  how long a version is kept
    most     bytes that are kept in all; None for no limit
    """

    seconds: float
    most: int | None = None


def overdue(oldest: Sequence[KeptVersion], total: int, limits: TrashLimits, now: float) -> int:
    """How many of these versions, the first ones, are to be freed.

    Args:
        oldest: kept versions, the oldest first.
        total: bytes that are kept, of these and of all later ones.
        limits: how much is kept.
        now: reading of the retention clock.
    """
    for count, version in enumerate(oldest):
        too_much = limits.most is not None and total > limits.most
        if now - version.since < limits.seconds and not too_much:
            return count
        total -= version.size
    return len(oldest)
