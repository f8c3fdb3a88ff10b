"""`job.add` and `job.remove`."""

from collections.abc import Sequence
from typing import Any

from cargo_sync.api.job_commands import ADD, REMOVE, JobAddArgs, OneJob
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.routes import Route
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.state.jobs import JobRows


class JobFolderHandlers:
    """Adds and removes jobs."""

    def __init__(self, jobs: Jobs, rows: JobRows) -> None:
        self._jobs = jobs
        self._rows = rows

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(ADD, self.add), Route(REMOVE, self.remove))

    async def add(self, args: JobAddArgs) -> JsonObject:
        job = (await self._jobs.add(args.text, args.name, paused=args.paused)).supervisor
        return {"name": job.name, "file": job.settings.file, "state": job.state.value}

    async def remove(self, args: OneJob) -> JsonObject:
        return {"name": args.job, "file": await self._jobs.remove(args.job, self._rows.remove)}
