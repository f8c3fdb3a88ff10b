"""The last lines of the log, in memory: what `log` answers, also where nobody can reach the
file."""

import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, Final

from cargo_sync.api.log_command import LEVELS, LONGEST_PAGE
from cargo_sync.process.lines import LogLine

KEPT: Final = 2_000
BYTES: Final = 4_000_000
"""Characters that the kept lines may have together: tracebacks are long."""

LogHandler = Callable[[dict[str, Any]], Awaitable[Any]]


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
        self, after: int | None, limit: int, level: str = "debug", job: str | None = None
    ) -> tuple[list[tuple[int, LogLine]], int, int]:
        """(number, line) of up to `limit` lines, oldest first; where to go on; and how many were
        lost.

        Args:
            after: lines of greater numbers, from the oldest on; None for the newest lines.
            level: the least.
            job: lines of this job alone.
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


class LogHandlers:
    """`log`, for any process that has a ring: a noun like the others of its dispatch table."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    def table(self) -> dict[str, LogHandler]:
        return {"log": self.log}

    async def log(self, args: Mapping[str, Any]) -> dict[str, Any]:
        rows, next, lost = self._ring.page(
            args.get("after"),
            args.get("limit", LONGEST_PAGE),
            args.get("level", LEVELS[0]),
            args.get("job"),
        )
        return {
            "rows": [
                {"number": number} | line.values | {"time": line.time} for number, line in rows
            ],
            "next": next,
            "lost": lost,
        }


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def _size(line: LogLine) -> int:
    return len(line.message) + len(line.trace) + 100
