"""`job.test`: a check that runs in the background; the client asks until it is ready."""

from collections.abc import Sequence
from typing import Any

from cargo_sync.api.job_commands import TEST, JobTestArgs
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.daemon.checks.running import Checks
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views


class CheckHandlers:
    """Begins checks, also of jobs that are paused or disabled, and shows their steps."""

    def __init__(self, jobs: Jobs, checks: Checks) -> None:
        self._jobs = jobs
        self._checks = checks

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(TEST, self.test),)

    async def test(self, args: JobTestArgs) -> JsonObject:
        job = self._jobs.get(args.job).supervisor
        id = args.test or self._checks.begin(job.settings)
        check = self._checks.get(id)
        if check is None or check.job != job.name:
            raise ControlError(
                ReplyCode.UNKNOWN_TEST,
                f'the job "{job.name}" has no test {id}',
                "tests are kept for an hour",
            )
        return views.check(id, check.job, check.steps, ready=check.ready)
