"""What each kind of access allows: one table, which every door of the server asks.

A door (an HTTP route, a flow, a port of the backup protocol) knows which right its operation needs.
Whether the user has it is decided here.

             LOOK         READ        ADD               CHANGE
    rw       yes          yes         yes               yes
    ro       yes          yes         read_only         read_only
    wo       their own    write_only  where nothing is  write_only

What "their own" and "where nothing is" mean is the matter of the view that a user with `wo` gets
(`drop_box`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from cargo_sync.config.grants import AccessLevel
from cargo_sync.model.problems import Code


class Right(StrEnum):
    """What an operation needs."""

    LOOK = "look"
    """Names, sizes, times and versions: listings, entries, changes."""
    READ = "read"
    """Content and what tells of it: downloads, hashes, extended attributes, the trash."""
    ADD = "add"
    """New files and folders."""
    CHANGE = "change"
    """What is there is replaced, moved, deleted, restored, or gets other attributes."""


_REFUSED: Final[Mapping[AccessLevel, Mapping[Right, Code]]] = {
    "rw": {},
    "ro": {Right.ADD: Code.READ_ONLY, Right.CHANGE: Code.READ_ONLY},
    "wo": {Right.READ: Code.WRITE_ONLY, Right.CHANGE: Code.WRITE_ONLY},
}


def refused(level: AccessLevel, right: Right) -> Code | None:
    """Why this access does not have this right, or None if it does."""
    return _REFUSED[level].get(right)


def writes(right: Right) -> bool:
    """Whether an operation with this right changes a folder."""
    return right in (Right.ADD, Right.CHANGE)
