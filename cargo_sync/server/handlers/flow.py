"""`flow.…`: the open flows, and how fast flows moved lately."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from cargo_sync.api.arguments import Args
from cargo_sync.api.messages import JsonObject
from cargo_sync.api.server_commands import FLOW_LIST, FLOW_RATES, FlowRatesArgs
from cargo_sync.cluster.membership import Membership
from cargo_sync.control.routes import Route
from cargo_sync.machines.rate_history import DAY, TEN_MINUTES, RateSpan
from cargo_sync.server.flows.rates import FlowRates
from cargo_sync.server.flows.sampler import FlowSampler
from cargo_sync.server.reporting import servers

_SPANS: Final[Mapping[str, RateSpan]] = MappingProxyType({"10m": TEN_MINUTES, "day": DAY})


class FlowHandlers:
    """Commands about flows: those of all servers that share the state."""

    def __init__(self, sampler: FlowSampler, rates: FlowRates, membership: Membership) -> None:
        self._membership = membership
        self._sampler = sampler
        self._rates = rates

    def routes(self) -> Sequence[Route[Any]]:
        return Route(FLOW_LIST, self.list), Route(FLOW_RATES, self.rates)

    async def list(self, _: Args) -> JsonObject:
        return {"flows": servers.all_flows(self._sampler.readings(), self._membership)}

    async def rates(self, args: FlowRatesArgs) -> JsonObject:
        return {"span": args.span, **self._rates.shown(_SPANS[args.span])}
