"""`flow.…`: the flows that are open."""

from typing import Any

from cargo_sync.control.router import Handler
from cargo_sync.server import views
from cargo_sync.server.flows.sampler import Gauge


class FlowHandlers:
    """Answers about flows."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge

    def table(self) -> dict[str, Handler]:
        return {"flow.list": self.list}

    async def list(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"flows": [views.flow(one) for one in self._gauge.readings()]}
