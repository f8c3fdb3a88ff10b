"""The state of a server: what its feed and `status` say."""

from collections.abc import Callable

from cargo_sync.api.messages import JsonObject
from cargo_sync.cluster.membership import Membership
from cargo_sync.config.server import ServerSettings
from cargo_sync.server.accounts.access import Grants
from cargo_sync.server.accounts.registry import Registry
from cargo_sync.server.flows.sampler import totals
from cargo_sync.server.flows.traffic import Traffic
from cargo_sync.server.http.ports import ServerPorts
from cargo_sync.server.reporting import buckets, nodes, servers, views
from cargo_sync.server.workspace.storage.storages import Storages


class ServerStatus:
    """Asks the parts of a server how they are."""

    def __init__(
        self,
        settings: ServerSettings,
        registry: Registry,
        grants: Grants,
        storages: Storages,
        traffic: Traffic,
        ports: ServerPorts,
        membership: Membership,
        trouble: Callable[[], str | None],
    ) -> None:
        """`trouble` gives what is wrong with the database, or nothing."""
        self._settings = settings
        self._registry = registry
        self._grants = grants
        self._storages = storages
        self._traffic = traffic
        self._ports = ports
        self._membership = membership
        self._trouble = trouble

    def general(self) -> JsonObject:
        """Values that change seldom."""
        opened, storages = self._storages.opened, self._storages
        away, hidden = opened.problems(), opened.unoffered()
        return {
            **views.general(self._registry.roster, away, hidden, len(self._traffic.flows.all())),
            "nodes": nodes.general(storages.nodes.report()),
            "buckets": buckets.rows(storages.buckets.report()),
        }

    def whole(self, address: str) -> JsonObject:
        """All of it. `address` is where clients reach the server, or ""."""
        traffic = self._traffic
        return {
            **self.general(),
            "kind": "server",
            **servers.among(self._membership),
            "address": address,
            "totals": views.progress(totals(traffic.sampler.readings())),
            "data_connections": {
                "open": traffic.flows.lanes(),
                "most": self._settings.total_connections,
            },
            "warnings": self._warnings(),
        }

    def _warnings(self) -> list[str]:
        """What a person should do or know."""
        on_nodes = self._storages.nodes.report()
        return [
            *self._ports.warnings(),
            *views.only_reading(self._grants.only_reading()),
            *(nodes.warnings(on_nodes) if on_nodes else ()),
            *self._storages.nodes.warnings(),
            *servers.warnings(self._membership),
            *buckets.warnings(self._storages.buckets.report()),
            *([trouble] if (trouble := self._trouble()) else ()),
        ]
