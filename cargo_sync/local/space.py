"""Free space on the disk, checked before a run and during it."""

from typing import Final

from cargo_sync.local.root import Root
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

RESERVE: Final = 64 * 2**20
"""Bytes that stay free for others: databases, logs, other programs."""


def free(root: Root) -> int:
    """Bytes that may still be written below `root`. Raises ProblemError."""
    try:
        return root.system.free(root.fd)
    except OSError as error:
        raise ProblemError(from_os_error(error, root.path)) from error


def room_for(root: Root, size: int) -> Problem | None:
    """Why `size` more bytes cannot be written, or None if they can."""
    try:
        left = free(root)
    except ProblemError as error:
        return error.problem
    if size + RESERVE <= left:
        return None
    return Problem(
        Code.DISK_FULL,
        f"{root.path!r} has {left:,} bytes free, but {size:,} are needed"
        f" (and {RESERVE:,} must stay free)",
        hint="free some space, then it continues by itself",
    )
