"""What the command is asked, and what it needs of room: values."""

from enum import Enum
from typing import Final, NamedTuple

from cargo_sync.config.stored import is_in_bucket, is_stored
from cargo_sync.migration.survey import Extent, SurveyResult

AT_ONCE: Final = 384 << 20
"""Bytes of small files that may lie in the spool at once, on their way."""


class MoveTask(Enum):
    """What the command does."""

    MOVE = "move"
    GIVE_UP = "give up"
    REMOVE = "remove"
    """What was left behind."""


class MoveOrder(NamedTuple):
    """What the command is asked.

    file    the server's file
    name    of the workspace
    folder  where it is to be, absolute; "" for a store
    copies  on nodes
    bucket  a file with the `store` that it is to have, absolute; "" for storage nodes
    dry     only say what would be done
    yes     go on although something cannot be kept
    """

    file: str
    name: str
    folder: str = ""
    copies: int = 2
    bucket: str = ""
    dry: bool = False
    yes: bool = False


class Room(NamedTuple):
    """Bytes that something needs, and those that are free; None if that is not known."""

    what: str
    needed: int
    free: int | None

    @property
    def lacks(self) -> bool:
        """Whether it is known not to be enough."""
        return self.free is not None and self.free < self.needed


class Plan(NamedTuple):
    """What would be done.

    source, target  as people call them
    there           bytes that are at the new place already
    """

    name: str
    source: str
    target: str
    survey: SurveyResult
    there: int
    rooms: tuple[Room, ...]

    @property
    def is_blocked(self) -> bool:
        return any(one.blocks for one in self.survey.losses) or any(one.lacks for one in self.rooms)


def store_words(root: str) -> str:
    """What a store is called, by the root of a workspace in it."""
    return "a bucket" if is_in_bucket(root) else "storage nodes"


def place_words(root: str) -> str:
    """Where a workspace is, by its root."""
    if not is_stored(root):
        return f"in {root}"
    return "in a bucket" if is_in_bucket(root) else "on storage nodes"


def spool_needs(live: Extent) -> int:
    """Bytes of the server's disk that contents need on their way."""
    return min(live.bytes, max(AT_ONCE, live.largest) + AT_ONCE)


def left(all_of_it: int, there: int) -> int:
    """Bytes that are still to be moved."""
    return max(0, all_of_it - there)
