"""What is missing on the nodes, looked at every few seconds, so that it can be told at any time."""

from typing import Final, NamedTuple

from cargo_sync.machines.nodes.census import Census, census
from cargo_sync.machines.nodes.progress import RepairProgress, RepairReport
from cargo_sync.stores.nodes.fleet import NodeReport
from cargo_sync.stores.nodes.ports import Cluster

LOOK: Final = 5.0
"""Seconds between two looks. One costs as much as a batch of repairs asks for."""


class StoreReport(NamedTuple):
    """How a store on nodes is, for people.

    nodes   by name
    census  what is missing, at the last look
    repair  how the repair gets on
    """

    nodes: tuple[NodeReport, ...]
    census: Census
    repair: RepairReport


class CopySurvey:
    """Looks at what is missing.

    census  of the last look
    """

    def __init__(self, cluster: Cluster, progress: RepairProgress) -> None:
        self._cluster = cluster
        self._progress = progress
        self.census = census((), {})

    async def run(self) -> None:
        """Looks again and again, until cancelled."""
        while True:
            await self.look()
            await self._cluster.pause(LOOK)

    async def look(self) -> None:
        """Looks now. Raises ProblemError: the state cannot be read."""
        cluster = self._cluster
        stocks = await cluster.stocks()
        self.census = await cluster.world.offload(census, stocks, cluster.links.members())

    def repair(self) -> RepairReport:
        """How the repair gets on."""
        cluster = self._cluster
        left, now = self.census.possible, cluster.world.steady()
        return self._progress.report(left.copies, left.bytes, cluster.rate(), now)
