"""Retries: the files of a get or put that are worth another try, in rounds."""

from itertools import groupby, islice
from typing import Final, NamedTuple

from cargo_sync.engine.commit import RETRY_AT_ONCE
from cargo_sync.machines.looks import AWAY
from cargo_sync.machines.retry import delay
from cargo_sync.model import paths
from cargo_sync.model.problems import Code, Problem

CONNECTION_LOST: Final = AWAY | {Code.STOPPED, Code.FAILED}
"""Codes of problems with the connection, not with a file."""
COPY_RETRIES: Final = (RETRY_AT_ONCE - {Code.NOT_A_FOLDER}) | {
    Code.BUSY,
    Code.INCOMPLETE,
    Code.CORRUPT,
}
"""Codes of a file or place that is busy or has changed, so that a second look may help."""
TRIES: Final = 4
"""Tries per file."""
MOST_FILES: Final = 20_000
"""Files that may wait for another try; any more have failed."""
FIRST_WAIT: Final = 0.25
"""Seconds before the second try of a file, on average."""


class FolderRetries(NamedTuple):
    """Some files of one folder to try again: their names, sorted."""

    folder: str
    names: list[str]


class RetryRounds:
    """The files of this round and of the next one: path -> number of tries."""

    def __init__(self) -> None:
        self._now: dict[str, int] = {}
        self._next: dict[str, int] = {}

    def add(self, path: str, tries: int, problem: Problem) -> bool:
        """Adds a file to the next round if another try may help. Returns whether it was added.

        Args:
            path: of the file.
            tries: how often it was tried before this failure.
            problem: why it failed now.
        """
        if problem.code not in COPY_RETRIES or tries + 1 >= TRIES or len(self._next) >= MOST_FILES:
            return False
        self._next[path] = tries + 1
        return True

    def resume(self, unanswered: dict[str, int]) -> None:
        """Moves all files without a result to the next round, after a cut.

        Args:
            unanswered: files that were handed over and not answered: path -> earlier tries.
        """
        self._next |= self._now | unanswered

    def wait(self, chance: float) -> float | None:
        """Seconds to wait before the next round; None if no file is left."""
        return delay(max(self._next.values()), chance, FIRST_WAIT) if self._next else None

    def begin_round(self) -> None:
        self._now, self._next = self._next, {}

    def some(self, most: int) -> FolderRetries | None:
        """The first files of this round, of one folder; None if all were taken."""
        if not self._now:
            return None
        ordered = sorted(self._now, key=paths.key)
        folder, group = next(groupby(ordered, paths.parent))
        return FolderRetries(folder, [paths.name(path) for path in islice(group, most)])

    def take(self, path: str) -> int:
        """Removes a file from this round. Returns how often it was tried."""
        return self._now.pop(path)
