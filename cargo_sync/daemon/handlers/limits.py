"""`limits.…`: the daemon's own, shown and changed while it runs."""

from typing import Any

from cargo_sync.control.router import Handler
from cargo_sync.daemon import views
from cargo_sync.daemon.handlers.refusals import ordered
from cargo_sync.daemon.own_file import OwnFile


class LimitsHandlers:
    """Answers about the daemon's limits."""

    def __init__(self, own_file: OwnFile) -> None:
        self._own_file = own_file

    def table(self) -> dict[str, Handler]:
        return {"limits.show": self.show, "limits.set": self.set}

    async def show(self, _: dict[str, Any]) -> dict[str, Any]:
        own = self._own_file
        limit = views.limit(own.settings.bandwidth, own.bandwidth.ordered, own.total())
        return {"limits": [{"name": "bandwidth"} | limit]}

    async def set(self, args: dict[str, Any]) -> dict[str, Any]:
        await ordered(self._own_file.bandwidth, args["bandwidth"], "limits.set", "bandwidth")
        return await self.show({})
