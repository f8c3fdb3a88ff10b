"""The flows of a node: its coordinator opens one for each lane, which brings contents or asks.

A flow waits a minute for its lane and lives as long as that lane. All lanes are sealed.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from cargo_sync.admission.fair_share import Ask, grant
from cargo_sync.lanes.connect import new_keys
from cargo_sync.lanes.end import End
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import Pace, pace_of
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.model.problems import Code, LaterError, Problem
from cargo_sync.stores.blob_sink import BlobArrivals
from cargo_sync.stores.blob_source import BlobSource
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.packet_sink import NodeSink
from cargo_sync.wire.handshake import LaneKeys

WAIT: Final = 60.0
"""Seconds that a flow waits for its lane."""
_COORDINATOR: Final = "coordinator"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class NodeFlow:
    """One flow.

    mode     UPLOAD: contents come to this node
    granted  bits per second, None for no limit
    """

    id: str
    mode: Mode
    keys: LaneKeys
    opened_at: float
    granted: int | None = None
    claimed: bool = False
    lane: LaneThread | None = None
    machine: End | None = None


class NodeFlows:
    """All flows of a node. For the event loop, except for `machine` and `ended`.

    See `lanes.listener.LaneHost`.
    """

    def __init__(
        self,
        blobs: BlobFolder,
        most: int,
        bandwidth: int | None,
        steady: Callable[[], float],
    ) -> None:
        """Opens none yet.

        Args:
            blobs: what is kept.
            most: flows may be open at once.
            bandwidth: bits per second of all of one direction; None for no limit.
            steady: monotonic seconds.
        """
        self._blobs = blobs
        self._arrivals = BlobArrivals(blobs)
        self._most = most
        self._bandwidth = bandwidth
        self._steady = steady
        self._flows: dict[bytes, NodeFlow] = {}
        self._moved = dict.fromkeys(Mode, 0)
        self._loop = asyncio.get_running_loop()

    def open(self, mode: Mode) -> NodeFlow:
        """Opens a flow. Raises LaterError: `busy`."""
        late = self._steady() - WAIT
        for flow in [one for one in self._flows.values() if not one.claimed]:
            if flow.opened_at < late:
                del self._flows[flow.keys.token]
        if len(self._flows) >= self._most:
            raise LaterError(Problem(Code.BUSY, f"{self._most} flows are open already"), 5)
        flow = NodeFlow(
            secrets.token_hex(16), mode, new_keys(secrets.token_bytes, sealed=True), self._steady()
        )
        self._flows[flow.keys.token] = flow
        self._share(mode)
        return flow

    # -- lanes -------------------------------------------------------------------------------------

    def claim(self, token: bytes, address: str) -> NodeFlow | None:
        flow = self._flows.get(token)
        if flow is None or flow.claimed:
            return None
        flow.claimed = True
        return flow

    def release(self, flow: NodeFlow) -> None:
        flow.claimed = False

    def machine(self, flow: NodeFlow, sock: socket.socket, link: Link) -> tuple[End, Pace | None]:
        if flow.mode is Mode.UPLOAD:
            link.takes_shared()  # each content is hashed here, and known by that alone
            sink = NodeSink(self._arrivals, self._steady)
            return Receiver(link, sink, self._steady, client=False), None
        pace = pace_of(sock)
        source = BlobSource(self._blobs)
        return Sender(link, source, self._steady, client=False, pace=pace), pace

    def started(self, flow: NodeFlow, lane: LaneThread, machine: End, pace: Pace | None) -> None:
        flow.lane, flow.machine = lane, machine
        machine.granted = flow.granted
        if pace is not None:
            pace.limit(flow.granted, self._steady())
        lane.submit(partial(machine.grant, flow.granted))

    def ended(self, flow: NodeFlow, problem: Problem | None) -> None:
        """The lane has ended; in its thread."""
        if problem is not None:
            _log.info("flow %s ended: %s", flow.id[:8], problem)
        with suppress(RuntimeError):  # the event loop has ended already
            self._loop.call_soon_threadsafe(self._over, flow)

    def close(self) -> list[LaneThread]:
        """Asks every lane to write its checkpoint and end; returns the lanes, to be joined."""
        why = Problem(Code.STOPPED, "the node is stopping")
        running = [flow for flow in self._flows.values() if flow.lane and flow.machine]
        for flow in running:
            assert flow.lane is not None and flow.machine is not None
            flow.lane.submit(partial(flow.machine.cancel, why))
        return [flow.lane for flow in running if flow.lane is not None]

    # -- figures -----------------------------------------------------------------------------------

    def count(self) -> Mapping[Mode, int]:
        """How many lanes run, by direction."""
        running = [flow.mode for flow in self._flows.values() if flow.lane is not None]
        return {mode: running.count(mode) for mode in DIRECTIONS}

    def moved(self, mode: Mode) -> int:
        """Bytes of content that lanes of one direction moved since the start."""
        machines = [one.machine for one in self._flows.values() if one.mode is mode]
        return self._moved[mode] + sum(one.figures().content for one in machines if one)

    # -- within ------------------------------------------------------------------------------------

    def _over(self, flow: NodeFlow) -> None:
        if self._flows.pop(flow.keys.token, None) is not None and flow.machine is not None:
            self._moved[flow.mode] += flow.machine.figures().content
            self._share(flow.mode)

    def _share(self, mode: Mode) -> None:
        """Shares the bandwidth of a direction anew."""
        flows = {flow.id: flow for flow in self._flows.values() if flow.mode is mode}
        asks = [Ask(id, _COORDINATOR, None) for id in flows]
        shares = grant(asks, {_COORDINATOR: None}, self._bandwidth)
        for id, flow in flows.items():
            if shares[id] == flow.granted:
                continue
            flow.granted = shares[id]
            if flow.lane is not None and flow.machine is not None:
                flow.lane.submit(partial(flow.machine.grant, flow.granted))
