"""Previews of a job: plans that people asked for, made one after the other."""

from typing import Final

from cargo_sync.engine.run import Run
from cargo_sync.model.problems import Problem

REMEMBERED: Final = 20
"""Failed previews that are remembered, to answer requests for their actions."""


class Previews:
    """The previews that are ordered, and why the last ones failed. `id` is that of the run."""

    def __init__(self) -> None:
        self._ordered: dict[str, Run] = {}
        self._failed: dict[str, Problem] = {}

    def order(self, run: Run) -> str:
        """Adds a preview. Returns its id, to ask for its plan with."""
        id = run.report.run
        self._ordered[id] = run
        return id

    def next(self) -> Run | None:
        """The preview to make now; None if none is ordered."""
        return next(iter(self._ordered.values()), None)

    def waits(self, id: str) -> bool:
        """Whether a preview is ordered, and has not ended yet."""
        return id in self._ordered

    def problem(self, id: str) -> Problem | None:
        """Why a preview has no plan, or None."""
        return self._failed.get(id)

    def ended(self, run: Run, problem: Problem | None) -> None:
        """A preview was made, or failed."""
        del self._ordered[run.report.run]
        if problem is not None:
            self._failed[run.report.run] = problem
        if len(self._failed) > REMEMBERED:
            del self._failed[next(iter(self._failed))]
