"""What a server tells the others of itself: where it is reached, and what it has to do."""

import orjson

from cargo_sync.cluster.membership import Measured, Membership, Reached
from cargo_sync.config.server import ServerSettings
from cargo_sync.process.vitals import CpuShare
from cargo_sync.server.flows.traffic import Traffic
from cargo_sync.server.reporting import servers


class OwnRow:
    """The part of a server's row that changes while it runs."""

    def __init__(
        self,
        settings: ServerSettings,
        membership: Membership,
        traffic: Traffic,
    ) -> None:
        self._settings = settings
        self._membership = membership
        self._traffic = traffic
        self._cpu = CpuShare()

    def reached(self, address: str, fingerprint: str, data_port: int) -> None:
        """It is reached there; the next row says so.

        Args:
            address: of its API, without a proxy before it; "" if it is not known.
            fingerprint: of its certificate, or "".
            data_port: where lanes go.
        """
        settings = self._settings
        own = settings.cluster.address if settings.cluster else None
        host = settings.public_ip or settings.private_ip or settings.host
        self._membership.reached = Reached(
            own or address,
            f"{shown_host(host)}:{data_port}",
            fingerprint,
        )

    def measured(self) -> Measured:
        """What it has to do now, and what it wants of the limits that all share."""
        traffic = self._traffic
        measured = servers.measured(traffic.sampler.readings(), self._cpu())
        claims = {**traffic.bandwidth.claims(), **traffic.quotas.claims()}
        return measured._replace(claims=orjson.dumps(claims).decode())


def shown_host(host: str) -> str:
    """A host as it stands before a port."""
    return f"[{host}]" if ":" in host else host
