"""How much a server may make a job keep: the names that it lists stay in the state.

A tree of 5 million files needs about 1 GB. A listing without an end must not take the disk from all
other jobs of the daemon, so two limits hold: one for each job, and room that stays free on the
state's disk. Both are looked at now and then, because the look reads a page per folder or two.
"""

import os
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Statements

EVERY: Final = 100_000
"""Rows between two looks."""
BYTES: Final = 8 * 2**30
"""Of one job's listings of the far side."""
HARMLESS: Final = 256 * 2**20
"""Bytes of listings that fill no disk: more than a million files."""
FREE: Final = 2 * 2**30
"""Bytes that larger listings leave free on the state's disk; of a small disk a tenth."""

# The length of a blob is read without the blob.
_SIZE: Final = "SELECT coalesce(sum(length(far)), 0) FROM folder WHERE job = ?"


class ListedLimit:
    """Counts the rows that a job's far side lists.

    path  of the state's file
    """

    def __init__(self, path: str, job: int) -> None:
        self._folder = os.path.dirname(os.path.abspath(path))
        self._job = job
        self._rows = 0

    def admit(self, connection: Statements, rows: int) -> None:
        """Counts rows that are about to be stored.

        Raises:
            ProblemError: `too_large`; it is raised again until there is room.
        """
        self._rows += rows
        if self._rows < EVERY:
            return
        [size] = connection.execute(_SIZE, (self._job,)).fetchone()
        disk = os.statvfs(self._folder)
        free, least = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize // 10
        if problem := refused(size, free, min(FREE, least), self._folder):
            raise ProblemError(problem)
        self._rows = 0


def refused(size: int, free: int, least: int, folder: str) -> Problem | None:
    """Why no more may be stored, or None.

    Args:
        size: bytes of the job's listings of the far side.
        free: bytes on the state's disk.
        least: bytes that must stay free there.
        folder: the state's.
    """
    if size > BYTES:
        message = f"the server lists more than a job can keep: {size / 2**30:.1f} GiB of names"
        hint = "divide the tree: give several jobs a part of it each, with remote_dir"
        return Problem(Code.TOO_LARGE, message, hint=hint)
    if size > HARMLESS and free < least:
        message = (
            f"the server lists more than there is room for: {folder!r} has only "
            f"{free / 2**20:,.0f} MiB free"
        )
        return Problem(Code.TOO_LARGE, message, hint="make room there, or move state_dir")
    return None
