"""Samples of the flows: what each has moved and how fast, measured on request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cargo_sync.lanes.figures import Figures
from cargo_sync.machines.meter import RateMeter
from cargo_sync.model.jobs import Mode
from cargo_sync.model.world import World
from cargo_sync.server.flows.flows import SHOWN, Flow


@dataclass(frozen=True, slots=True)
class FlowReading:
    """One flow at one moment.

    bytes          of file content that went over its lane
    speed_bps      recent speed, bits of file content per second
    granted        the most that it may use, bits per second; None for no limit
    rtt_ms, lost   of the sending side; None where its platform does not measure them
    since          unix seconds
    """

    id: str
    user: str
    direction: Mode
    workspace: str
    folder: str
    bytes: int
    speed_bps: int
    granted: int | None
    rtt_ms: float | None
    lost: int | None
    since: float


@dataclass(frozen=True, slots=True)
class Totals:
    """All flows at one moment: how many in each direction, and their speeds in bits per second."""

    uploads: int
    downloads: int
    upload_bps: int
    download_bps: int


class FlowSampler:
    """Reads flows; a speed is measured between two readings, over a few seconds."""

    def __init__(self, flows: Callable[[], Sequence[Flow]], world: World) -> None:
        self._flows = flows
        self._world = world
        self._meters: dict[str, RateMeter] = {}

    def readings(self) -> list[FlowReading]:
        """All open flows, by user, then the oldest first."""
        flows = sorted(self._flows(), key=lambda flow: (flow.user.name, flow.opened_at))
        now = self._world.steady()
        found = [self._read(flow, now) for flow in flows]
        self._meters = {flow.id: self._meters[flow.id] for flow in flows}
        return found

    def _read(self, flow: Flow, now: float) -> FlowReading:
        figures = Figures() if flow.machine is None else flow.machine.figures()
        rate = 8 * self._meters.setdefault(flow.id, RateMeter()).rate(now, figures.content)
        return FlowReading(
            flow.id[:SHOWN],
            flow.user.name,
            flow.mode,
            flow.permit.access.name,
            flow.folder,
            figures.content,
            round(rate),
            flow.granted,
            figures.rtt_ms,
            figures.lost,
            self._world.wall() - (now - flow.opened_at),
        )


def totals(readings: Sequence[FlowReading]) -> Totals:
    """The totals of these readings."""
    up = [one for one in readings if one.direction is Mode.UPLOAD]
    down = [one for one in readings if one.direction is Mode.DOWNLOAD]
    return Totals(
        len(up), len(down), sum(one.speed_bps for one in up), sum(one.speed_bps for one in down)
    )
