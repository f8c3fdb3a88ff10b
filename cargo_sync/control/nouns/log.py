"""`log`: the last lines of the log."""

from collections.abc import Callable, Sequence
from typing import Any

from cargo_sync.api.log_command import LOG, LogArgs
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.routes import Route
from cargo_sync.process.ring import Ring


class LogHandlers:
    """Shows the lines in the ring of a process.

    check_job  raises ControlError if there is no such job
    """

    def __init__(self, ring: Ring, check_job: Callable[[str], None]) -> None:
        self._ring = ring
        self._check_job = check_job

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(LOG, self.log),)

    async def log(self, args: LogArgs) -> JsonObject:
        rows, next, lost = self._ring.page(args.after, args.limit, args.level, args.job)
        if args.job is not None and not rows:
            self._check_job(args.job)
        return {
            "rows": [{"number": number, **line.values, "time": line.time} for number, line in rows],
            "next": next,
            "lost": lost,
        }
