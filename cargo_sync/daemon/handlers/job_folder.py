"""`job.add`, `job.remove`: which jobs there are."""

from typing import Any

from cargo_sync.control.router import Handler
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.state.jobs import JobRows as JobRows


class JobFolderHandlers:
    """Takes jobs in and puts them aside."""

    def __init__(self, jobs: Jobs, rows: JobRows) -> None:
        self._jobs = jobs
        self._rows = rows

    def table(self) -> dict[str, Handler]:
        return {"job.add": self.add, "job.remove": self.remove}

    async def add(self, args: dict[str, Any]) -> dict[str, Any]:
        origin = args.get("name", "the text")
        job = (
            await self._jobs.add(args["text"], origin, paused=args.get("paused", False))
        ).supervisor
        return {"name": job.name, "file": job.settings.file, "state": job.state.value}

    async def remove(self, args: dict[str, Any]) -> dict[str, Any]:
        name = self._jobs.get(args["job"]).supervisor.name
        return {"name": name, "file": await self._jobs.remove(name, self._rows.remove)}
