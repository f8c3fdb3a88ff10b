"""What a served folder holds that is not offered: sockets, names that no client could use.

Each is logged once, up to a limit, because a folder may have any number of them. Names that are
Cargo's own are logged too.
"""

from collections.abc import Iterable
from typing import Final

from cargo_sync.model.problems import Code, Problem

SAID: Final = 20
"""So many names of a folder are logged one by one."""


class Unoffered:
    """The names of one served folder that are not offered.

    count  how many the last full scan found
    """

    def __init__(self) -> None:
        self.count = 0
        self._found = 0
        self._said: set[str] = set()

    def begin_scan(self) -> None:
        """A full scan begins."""
        self._found = 0

    def end_scan(self) -> None:
        """The full scan has seen everything."""
        self.count = self._found

    def news(self, problems: Iterable[Problem]) -> list[str]:
        """The lines to log for what was found in one folder now."""
        lines: list[str] = []
        for problem in problems:
            notice = problem.code is Code.BAD_TIME  # it is offered
            self._found += not notice
            if problem.path in self._said or len(self._said) > SAID:
                continue
            self._said.add(problem.path)
            if len(self._said) <= SAID:
                lines.append(str(problem) if notice else f"not offered: {problem}")
            else:
                lines.append("more is not offered; from now on it is only counted, for `status`")
        return lines
