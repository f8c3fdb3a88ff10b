"""The port for lanes: a connection becomes a lane, with a thread, once its HELLO is proved."""

import asyncio
import logging
import socket
import threading
from typing import Generic, Protocol, TypeVar

from cargo_sync.lanes.connect import accept_lane
from cargo_sync.lanes.end import End
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import Pace
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.lanes.tuning import tune
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.doors import Arrival, Door, Doors
from cargo_sync.wire.handshake import HELLO_SIZE, LaneKeys
from cargo_sync.wire.refusal import cut

_log = logging.getLogger(__name__)


class Claimed(Protocol):
    """A flow whose lane has come."""

    @property
    def id(self) -> str: ...

    @property
    def keys(self) -> LaneKeys: ...


FlowT = TypeVar("FlowT", bound=Claimed)


class LaneHost(Protocol[FlowT]):
    """Who has the flows that lanes are for. Called in the event loop, if nothing else is said."""

    def claim(self, token: bytes, address: str) -> FlowT | None:
        """The flow of a lane that connects from an IP address, if it may have one now."""

    def release(self, flow: FlowT) -> None:
        """Releases a claim after a failed handshake: the right lane may still come."""

    def machine(self, flow: FlowT, sock: socket.socket, link: Link) -> tuple[End, Pace | None]:
        """The end of a lane, and what keeps its speed; in a thread."""

    def started(self, flow: FlowT, lane: LaneThread, machine: End, pace: Pace | None) -> None:
        """The lane of a flow begins."""

    def ended(self, flow: FlowT, problem: Problem | None) -> None:
        """The lane of a flow has ended; in its thread."""


class LaneListener(Generic[FlowT]):
    """Takes up to `most` lanes for the flows of `host`, from `start` to `close`."""

    def __init__(self, host: LaneHost[FlowT], most: int, offload: Offload) -> None:
        self._host = host
        self._most = most
        self._offload = offload
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
        claimed: list[FlowT] = []

        def lookup(token: bytes) -> LaneKeys | None:
            flow = self._host.claim(token, address)
            if flow is None:
                return None
            claimed.append(flow)
            return flow.keys

        try:
            _, link = accept_lane(sock, message, lookup, full=self._lanes >= self._most)
        except BaseException:
            for flow in claimed:
                self._host.release(flow)
            raise
        [flow] = claimed
        try:
            machine, pace = await self._offload(self._host.machine, flow, sock, link)
        except BaseException:
            self._host.release(flow)
            raise

        def over(_problem: object) -> None:
            with self._lock:
                self._lanes -= 1
            self._host.ended(flow, machine.problem)

        with self._lock:
            self._lanes += 1
        lane = LaneThread(machine, sock, f"flow {flow.id[:8]}", over)
        self._host.started(flow, lane, machine, pace)
        lane.start()


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
