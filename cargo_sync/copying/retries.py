"""Retries: the files of a get or a put that are worth another try, a round of them at a time."""

from itertools import groupby, islice
from typing import Final, NamedTuple

from cargo_sync.engine.commit import RETRY_AT_ONCE
from cargo_sync.machines.looks import AWAY
from cargo_sync.machines.retry import delay
from cargo_sync.model import paths
from cargo_sync.model.problems import Code, Problem

CONNECTION_LOST: Final = AWAY | {Code.STOPPED, Code.FAILED}
"""Codes of problems of the way there, not of what is moved."""
COPY_RETRIES: Final = RETRY_AT_ONCE | {Code.BUSY, Code.INCOMPLETE, Code.CORRUPT}
"""The file or its place is busy or has changed: a second look may find them at rest."""
TRIES: Final = 4
MOST_FILES: Final = 20_000
"""Files that wait for another try; what goes beyond has failed."""
FIRST_WAIT: Final = 0.25
"""Seconds before the second try of a file, more or less."""


class FolderRetries(NamedTuple):
    """Some files of one folder that are to be tried again: their names, sorted."""

    folder: str
    names: list[str]


class RetryRounds:
    """Files by path, with how often each was tried: those of the round that goes on, and those of
    the next."""

    def __init__(self) -> None:
        self._now: dict[str, int] = {}
        self._next: dict[str, int] = {}

    def add(self, path: str, tries: int, problem: Problem) -> bool:
        """Has the file tried again in the next round, if that may help; whether it may.

        Args:
            tries: how often it was tried before it failed now.
        """
        if problem.code not in COPY_RETRIES or tries + 1 >= TRIES or len(self._next) >= MOST_FILES:
            return False
        self._next[path] = tries + 1
        return True

    def resume(self, unanswered: dict[str, int]) -> None:
        """After a cut: what the round had not come to, and what was handed over and not answered,
        belongs to the next round."""
        self._next |= self._now | unanswered

    def wait(self, chance: float) -> float | None:
        """Seconds to wait before the next round; None when nothing is to be tried again."""
        return delay(max(self._next.values()), chance, FIRST_WAIT) if self._next else None

    def begin_round(self) -> None:
        self._now, self._next = self._next, {}

    def some(self, most: int) -> FolderRetries | None:
        """What comes first in this round; None when all of it was taken."""
        if not self._now:
            return None
        ordered = sorted(self._now, key=paths.key)
        folder, group = next(groupby(ordered, paths.parent))
        return FolderRetries(folder, [paths.name(path) for path in islice(group, most)])

    def take(self, path: str) -> int:
        """Takes a file out of this round; how often it was tried."""
        return self._now.pop(path)
