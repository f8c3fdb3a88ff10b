"""`transfer.…`: the files that are on their way."""

from typing import Any

from cargo_sync.control.router import Handler
from cargo_sync.daemon import views
from cargo_sync.daemon.jobs import Jobs
from cargo_sync.daemon.slots import Slots


class TransferHandlers:
    """Answers about transfers."""

    def __init__(self, jobs: Jobs, slots: Slots) -> None:
        self._jobs = jobs
        self._slots = slots

    def table(self) -> dict[str, Handler]:
        return {"transfer.list": self.list}

    async def list(self, _: dict[str, Any]) -> dict[str, Any]:
        jobs = self._jobs.all.values()
        return {
            "transfers": [views.transfer(one) for job in jobs for one in job.gauge.under_way()],
            "waiting": self._slots.waiting(),
        }
