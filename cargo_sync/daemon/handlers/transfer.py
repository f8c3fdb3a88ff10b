"""`transfer.…`: the files of jobs that are being transferred."""

from collections.abc import Sequence
from typing import Any

from cargo_sync.admission.slots import Slots
from cargo_sync.api.arguments import Args
from cargo_sync.api.daemon_commands import TRANSFER_CANCEL, TRANSFER_LIST, OneTransfer
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views


class TransferHandlers:
    """Lists and cancels transfers."""

    def __init__(self, jobs: Jobs, slots: Slots) -> None:
        self._jobs = jobs
        self._slots = slots

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(TRANSFER_LIST, self.list), Route(TRANSFER_CANCEL, self.cancel))

    async def list(self, _: Args) -> JsonObject:
        jobs = self._jobs.all.values()
        return {
            "transfers": [views.transfer(one) for job in jobs for one in job.sampler.under_way()],
            "waiting": self._slots.waiting(),
        }

    async def cancel(self, args: OneTransfer) -> JsonObject:
        job, id, path = self._one(args.id)
        job.sides.far.cancel(path)
        return {"id": id, "job": job.name, "path": path}

    def _one(self, wanted: str) -> tuple[Supervisor, str, str]:
        """The job, id and path of a transfer, by its id or the unique beginning of its id.

        Raises:
            ControlError: bad_argument, unknown_transfer.
        """
        found = [
            (job.supervisor, task.transfer, task.action.path)
            for job in self._jobs.all.values()
            for task in job.supervisor.sides.far.open_tasks()
            if task.transfer.startswith(wanted)
        ]
        exact = [one for one in found if one[1] == wanted]
        if len(exact or found) > 1:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'{len(found):,} transfers begin with "{wanted}"',
                "give more of the id",
            )
        if not found:
            hint = "`transfer.list` lists all that run"
            raise ControlError(ReplyCode.UNKNOWN_TRANSFER, f'no transfer "{wanted}" runs', hint)
        return (exact or found)[0]
