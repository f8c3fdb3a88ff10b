"""The names of the runs of a trash: what is displaced together has one."""

from collections.abc import Callable
from typing import Final

from cargo_sync.local import trash

SAME_RUN: Final = 3_600.0
"""Seconds for which changes without a run's own name share one."""


class TrashRuns:
    """The runs that displace something now; `wall` gives unix seconds."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._runs: dict[str, tuple[str, float]] = {}

    def named(self, run: str) -> str:
        """The name of a run. One without a name of its own (`trash.is_run`) gets another hourly."""
        if trash.is_run(run):
            return run
        now = self._wall()
        for old in [
            name for name, (_, begun) in self._runs.items() if not 0 <= now - begun < SAME_RUN
        ]:
            del self._runs[old]
        if run not in self._runs:
            self._runs[run] = (trash.run_folder(now, run), now)
        return self._runs[run][0]
