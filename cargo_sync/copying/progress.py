"""The progress of a get or put: plain numbers, written by the copier and read by the views."""

from dataclasses import dataclass, field, replace
from typing import Final

from cargo_sync.model.problems import Problem

SHOWN: Final = 20
"""Failures that are kept with their messages."""


@dataclass(slots=True)
class CopyProgress:
    """Counters of one get or put.

    Totals grow during the walk. They count only files to copy; files that are at the destination
    already are `skipped`.

    path       the current file, or the last one
    displaced  files that were replaced and went to the trash
    resumed    bytes that an earlier get or put had transferred
    failed     the first failures: (path, problem); `failures` counts all
    id         the id that the server gave to a backup
    note       a sentence for the end, or ""
    """

    path: str = ""
    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    skipped: int = 0
    displaced: int = 0
    resumed: int = 0
    failures: int = 0
    failed: list[tuple[str, Problem]] = field(default_factory=list)
    id: str = ""
    note: str = ""

    def planned(self, size: int) -> None:
        self.files_total += 1
        self.bytes_total += size

    def done(self, path: str, size: int) -> None:
        self.path = path
        self.files_done += 1
        self.bytes_done += size

    def fail(self, path: str, problem: Problem) -> None:
        self.failures += 1
        if len(self.failed) < SHOWN:
            self.failed.append((path, problem))

    def verdict(self) -> Problem | None:
        """The failure of the whole get or put; None if nothing failed."""
        if not self.failures:
            return None
        _, first = self.failed[0]
        if self.failures == 1:
            return first
        message = f"{self.failures} files or folders failed; the first: {first.message}"
        return replace(first, message=message, path="")
