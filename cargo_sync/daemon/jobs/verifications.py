"""Verifications: comparisons of both sides of a job that run now or ended lately, by id."""

import asyncio
import logging
from typing import Final

from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.engine.execution.differences import SideComparison
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.tasks import contained

REMEMBERED: Final = 100
"""Comparisons that are remembered after their end."""

_log = logging.getLogger(__name__)


class RunningComparison:
    """One comparison. `problem` is why it ended early."""

    def __init__(self, job: str, comparison: SideComparison) -> None:
        self.job = job
        self.comparison = comparison
        self.ready = False
        self.problem: Problem | None = None


class Verifications:
    """All comparisons of a daemon. `group` owns their tasks."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._all: dict[str, RunningComparison] = {}

    def begin(self, job: Supervisor) -> str:
        """Returns the id of this job's running comparison; begins one if none runs."""
        for id, one in self._all.items():
            if one.job == job.name and not one.ready:
                return id
        comparison = job.comparison()
        running = self._all[comparison.run] = RunningComparison(job.name, comparison)
        for id in [id for id, one in self._all.items() if one.ready][:-REMEMBERED]:
            del self._all[id]
        self._group.create_task(contained(self._run(running), "a comparison", job=job.name))
        return comparison.run

    def get(self, id: str) -> RunningComparison | None:
        """The comparison, or None if it is not known."""
        return self._all.get(id)

    async def _run(self, running: RunningComparison) -> None:
        try:
            await running.comparison()
        except ProblemError as error:
            running.problem = error.problem
        except Exception as error:  # a bug of ours: it ends this comparison, not the daemon
            _log.error("a comparison failed", exc_info=error, extra={"job": running.job})
            message = f"internal error: {type(error).__name__}"
            running.problem = Problem(Code.INTERNAL, message, hint="see the log")
        finally:
            running.ready = True
