"""The port for lanes: a connection becomes a lane, with a thread, once its HELLO is proved."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Sequence

from cargo_sync.lanes.connect import accept_lane
from cargo_sync.lanes.end import End
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import Pace, pace_of
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import OnSent, Sender
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.lanes.tuning import tune
from cargo_sync.machines.budget import Budgets
from cargo_sync.model.history import ChangeCause, HistoryFiles
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import Offload
from cargo_sync.process.doors import Arrival, Door, Doors
from cargo_sync.server.flows.flows import SHOWN, Flow, Flows
from cargo_sync.server.flows.lane_budget import FlowBudgets
from cargo_sync.server.flows.public_ends import PublicSink, PublicSource
from cargo_sync.server.history.downloads import Downloads
from cargo_sync.trees.placed import PlacePath, below
from cargo_sync.wire.handshake import HELLO_SIZE, LaneKeys
from cargo_sync.wire.refusal import cut

_log = logging.getLogger(__name__)


class LaneListener:
    """Takes up to `most` lanes for the flows, from `start` to `close`. `steady`: seconds."""

    def __init__(
        self,
        flows: Flows,
        most: int,
        steady: Callable[[], float],
        offload: Offload,
        downloads: Downloads,
        budgets: Budgets | None = None,
    ) -> None:
        self._budgets = FlowBudgets(budgets or Budgets())
        self._flows = flows
        self._most = most
        self._steady = steady
        self._offload = offload
        self._downloads = downloads
        self._lanes = 0
        self._lock = threading.Lock()
        self._door: Door | None = None

    async def start(self, doors: Doors, host: str, port: int) -> int:
        """Begins to listen; returns the port, which differs from `port` when that is 0.

        Raises:
            OSError: the port cannot be bound.
        """
        # Whether a line is near is read from its first round trip time.
        self._door = await doors.open(host, port, self._take, defers=False, tune=tune)
        return self._door.port

    def close(self) -> None:
        if self._door is not None:
            self._door.close()

    async def _take(self, sock: socket.socket, arrival: Arrival) -> None:
        try:
            message = await _hello(sock)
            arrival.left()  # its lane has other limits
            await self._open(sock, message, arrival.ip)
        except ProblemError as error:
            arrival.left()
            sock.close()
            _log.debug("a connection to the port for lanes failed: %s", error)

    async def _open(self, sock: socket.socket, message: bytes, address: str) -> None:
        claimed: list[Flow] = []

        def lookup(token: bytes) -> LaneKeys | None:
            flow = self._flows.claim(token, address)
            if flow is None:
                return None
            claimed.append(flow)
            return flow.keys

        try:
            _, link = accept_lane(sock, message, lookup, full=self._lanes >= self._most)
        except BaseException:
            for flow in claimed:
                self._flows.release(flow)
            raise
        [flow] = claimed
        try:
            machine, pace = await self._offload(self._machine, flow, sock, link)
        except BaseException:
            self._flows.release(flow)
            raise

        def over(_problem: object) -> None:
            with self._lock:
                self._lanes -= 1
            self._flows.ended(flow, machine.problem)

        with self._lock:
            self._lanes += 1
        lane = LaneThread(machine, sock, f"flow {flow.id[:8]}", over)
        self._flows.started(flow, lane, machine, pace)
        lane.start()

    def _machine(self, flow: Flow, sock: socket.socket, link: Link) -> tuple[End, Pace | None]:
        view = flow.permit.access.view
        place = below(view.inside(flow.folder))
        budget = self._budgets.of(flow.id, flow.user.name)
        cause = flow.permit.cause(flow.run, flow.id[:SHOWN])
        if flow.mode is Mode.UPLOAD:
            sink = view.sink(flow.run, flow.permit.check, cause)
            sink = PublicSink(sink, place, view.words)
            return Receiver(link, sink, self._steady, client=False, budget=budget), None
        pace = pace_of(sock)
        source = PublicSource(view.source(), place, view.words)
        sender = Sender(
            link,
            source,
            self._steady,
            client=False,
            pace=pace,
            budget=budget,
            on_sent=self._sent(flow.permit.access.whole.id, cause, place),
        )
        return sender, pace

    def _sent(self, workspace: int, cause: ChangeCause, place: PlacePath) -> OnSent:
        """Notes what a lane's client received, and how long it took since the batch before."""
        last = self._steady()

        def sent(offers: Sequence[Offer]) -> None:
            nonlocal last
            before, last = last, self._steady()
            if offers:
                columns = HistoryFiles(
                    [place(offer.path) for offer in offers],
                    [offer.size for offer in offers],
                    [offer.hash for offer in offers],
                    [offer.version for offer in offers],
                )
                self._downloads.took(workspace, cause, columns, last - before)

        return sent


async def _hello(sock: socket.socket) -> bytes:
    """The HELLO, and not one byte more: the frames begin after it.

    Raises:
        ProblemError: `cut`.
    """
    loop = asyncio.get_running_loop()
    received = b""
    while len(received) < HELLO_SIZE:
        try:
            part = await loop.sock_recv(sock, HELLO_SIZE - len(received))
        except OSError as error:
            raise cut(f"the connection broke while the lane was opened: {error}") from error
        if not part:
            raise cut("the other end closed the connection instead of opening the lane")
        received += part
    return received
