"""Room on the disk: asked before a run and during it."""

from typing import Final

from cargo_sync.local.root import Root
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

RESERVE: Final = 64 * 2**20
"""Bytes left to others: databases, logs, and whoever else writes here."""


def free(root: Root) -> int:
    """Bytes that may still be written below `root`. Raises ProblemError."""
    try:
        return root.system.free(root.fd)
    except OSError as error:
        raise ProblemError(from_os_error(error, root.path)) from error


def room_for(root: Root, size: int) -> Problem | None:
    """Why `size` bytes more cannot be taken, or None when they can."""
    try:
        left = free(root)
    except ProblemError as error:
        return error.problem
    if size + RESERVE <= left:
        return None
    return Problem(
        Code.DISK_FULL,
        f"{root.path!r} has {left:,} bytes free, and {size:,} are to come ({RESERVE:,} are kept free)",
        hint="make room, then it goes on by itself",
    )
