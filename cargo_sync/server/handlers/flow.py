"""`flow.…`: the flows that are open."""

from typing import Any

from cargo_sync.control.router import Handler
from cargo_sync.server import views
from cargo_sync.server.flows.sampler import FlowSampler


class FlowHandlers:
    """Answers about flows."""

    def __init__(self, sampler: FlowSampler) -> None:
        self._sampler = sampler

    def table(self) -> dict[str, Handler]:
        return {"flow.list": self.list}

    async def list(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"flows": [views.flow(one) for one in self._sampler.readings()]}
