"""`limits.…`: the server's totals."""

from typing import Any

from cargo_sync.api.messages import Code, ControlError
from cargo_sync.control.router import Handler
from cargo_sync.server import views
from cargo_sync.server.bandwidths import Bandwidths
from cargo_sync.server.flows import Flows


class LimitsHandlers:
    """Answers about the totals, and sets them: flows that run are granted theirs anew."""

    def __init__(self, bandwidths: Bandwidths, flows: Flows) -> None:
        self._bandwidths = bandwidths
        self._flows = flows

    def table(self) -> dict[str, Handler]:
        return {"limits.show": self.show, "limits.set": self.set}

    async def show(self, _: dict[str, Any]) -> dict[str, Any]:
        return views.limits(self._bandwidths.limits)

    async def set(self, args: dict[str, Any]) -> dict[str, Any]:
        if not args:
            raise ControlError(
                Code.BAD_ARGUMENT, "limits.set needs something to set", "upload, download, or both"
            )
        limits = await self._bandwidths.set(args)
        self._flows.limit(limits.now)
        return views.limits(limits)
