"""The last lines of the log, in memory: the command `log` shows them, also without a log file."""

import threading
from collections import deque
from itertools import islice
from typing import Final

from cargo_sync.api.log_command import LEVELS, LogLevel
from cargo_sync.process.lines import LogLine

KEPT: Final = 2_000
BYTES: Final = 4_000_000
"""How many characters the kept lines may have together: tracebacks are long."""


class Ring:
    """The last `kept` lines, numbered from 1. May be called from any thread."""

    def __init__(self, kept: int = KEPT, most: int = BYTES) -> None:
        self._lines: deque[tuple[int, LogLine]] = deque()
        self._kept = kept
        self._most = most
        self._size = 0
        self._newest = 0
        self._lock = threading.Lock()

    def __call__(self, line: LogLine) -> None:
        with self._lock:
            self._newest += 1
            self._lines.append((self._newest, line))
            self._size += _size(line)
            while len(self._lines) > self._kept or (
                self._size > self._most and len(self._lines) > 1
            ):
                self._size -= _size(self._lines.popleft()[1])

    def page(
        self, after: int | None, limit: int, level: LogLevel = "debug", job: str | None = None
    ) -> tuple[list[tuple[int, LogLine]], int, int]:
        """Returns up to `limit` lines, oldest first, as (number, line).

        Args:
            after: only lines with greater numbers, from the oldest on; None for the newest lines.
            limit: the largest number of lines.
            level: the lowest level.
            job: only lines of this job; None for all lines.

        Returns:
            The lines; the `after` of the next page; how many lines after `after` are not kept any
            more.
        """
        with self._lock:
            lines, newest = list(self._lines), self._newest
        least = LEVELS.index(level)
        found = (
            (number, line)
            for number, line in lines
            if (after is None or number > after)
            and _rank(line.level) >= least
            and (job is None or line.about.get("job") == job)
        )
        if after is None:
            return list(deque(found, limit)), newest, 0
        rows = list(islice(found, limit))
        lost = max(0, min(lines[0][0] if lines else newest + 1, newest + 1) - after - 1)
        return rows, rows[-1][0] if len(rows) == limit else newest, lost


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def _size(line: LogLine) -> int:
    return len(line.message) + len(line.trace) + 100
