"""`job.test`: a trial, made in the background and asked for until it is ready."""

from typing import Any

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.control.router import Handler
from cargo_sync.daemon.job.checks import Checks
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views


class CheckHandlers:
    """Begins trials, also of jobs that are paused or disabled, and tells how far they are."""

    def __init__(self, jobs: Jobs, trials: Checks) -> None:
        self._jobs = jobs
        self._trials = trials

    def table(self) -> dict[str, Handler]:
        return {"job.test": self.test}

    async def test(self, args: dict[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(args["job"]).supervisor
        id = args.get("test") or self._trials.begin(job.settings)
        one = self._trials.get(id)
        if one is None or one.job != job.name:
            raise ControlError(
                ReplyCode.UNKNOWN_TEST,
                f'the job "{job.name}" has no test {id}',
                "tests are kept for an hour",
            )
        return views.trial(id, one.job, one.steps, ready=one.ready)
