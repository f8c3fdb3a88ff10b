"""What a get or a put has come to: plain numbers that its work writes and whoever watches reads."""

from dataclasses import dataclass, field, replace
from typing import Final

from cargo_sync.model.problems import Problem

SHOWN: Final = 20
"""Failures that are told one by one."""


@dataclass(slots=True)
class CopyProgress:
    """Totals grow while the tree is walked through, and are of what is brought over: what is there
    already is `skipped`.

    path       the file under way, or the last one
    displaced  files that stood in the way and went to trash
    resumed    bytes of the files under way that an earlier order had brought
    failed     the first failures: (path, problem); `failures` counts all
    id         that a backup was given
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
        """What there is to say of the whole when something failed."""
        if not self.failures:
            return None
        _, first = self.failed[0]
        if self.failures == 1:
            return first
        message = f"{self.failures} files or folders failed, the first by this: {first.message}"
        return replace(first, message=message, path="")
