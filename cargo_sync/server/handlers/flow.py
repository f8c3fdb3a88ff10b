"""`flow.…`: the open flows."""

from collections.abc import Sequence
from typing import Any

from cargo_sync.api.arguments import Args
from cargo_sync.api.messages import JsonObject
from cargo_sync.api.server_commands import FLOW_LIST
from cargo_sync.control.routes import Route
from cargo_sync.server.flows.sampler import FlowSampler
from cargo_sync.server.reporting import views


class FlowHandlers:
    """Commands about flows."""

    def __init__(self, sampler: FlowSampler) -> None:
        self._sampler = sampler

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(FLOW_LIST, self.list),)

    async def list(self, _: Args) -> JsonObject:
        return {"flows": [views.flow(one) for one in self._sampler.readings()]}
