"""The traffic of a server: its flows, what limits them, and what is measured of them."""

from dataclasses import asdict

from cargo_sync.cluster.flow_orders import FlowsElsewhere
from cargo_sync.cluster.membership import Membership
from cargo_sync.config.server import ServerSettings
from cargo_sync.control.limits import Limits, LimitStore
from cargo_sync.model.world import World
from cargo_sync.server.flows.anywhere import FlowsAnywhere
from cargo_sync.server.flows.flows import Bandwidth, Flows
from cargo_sync.server.flows.rates import FlowRates
from cargo_sync.server.flows.sampler import FlowSampler
from cargo_sync.server.flows.shared_limits import ClusterBandwidth
from cargo_sync.server.flows.shared_quotas import ClusterQuotas, PromisingWorkspaces


class Traffic:
    """The flows of a server, here and among others.

    flows             those of this server
    anywhere          those of all servers
    limits            the total bandwidth
    bandwidth, quotas  what all servers share of limits
    sampler, rates    what is measured
    """

    def __init__(
        self,
        flows: Flows,
        membership: Membership,
        elsewhere: FlowsElsewhere | None,
        workspaces: PromisingWorkspaces,
        ordered: LimitStore,
        world: World,
    ) -> None:
        """`ordered` are the limits that a person has set."""
        self.flows = flows
        self.anywhere = FlowsAnywhere(flows, membership, elsewhere)
        self.bandwidth = ClusterBandwidth(membership, world.steady)
        self.bandwidth.changed = flows.renew
        flows.shared = self.bandwidth.totals
        self.quotas = ClusterQuotas(membership, workspaces)
        membership.looked = self._looked
        self.limits = Limits(None, ordered, world.offload, self._limit)
        self.sampler = FlowSampler(flows.all, world)
        self.rates = FlowRates(flows.moved, world)

    async def apply(self, settings: ServerSettings) -> None:
        """Applies the total bandwidth of the file. Raises ProblemError."""
        file = Bandwidth(settings.global_upload_bandwidth, settings.global_download_bandwidth)
        await self.limits.read(asdict(file))

    def _limit(self) -> None:
        self.flows.limit(Bandwidth(**self.limits.holding()))

    def _looked(self) -> None:
        self.bandwidth.look()
        self.quotas.look()
