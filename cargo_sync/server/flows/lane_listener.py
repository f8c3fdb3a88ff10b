"""The port for lanes: one listener, and one thread per connection from its first byte on.

An unknown client costs one thread for ten seconds at most, and the number of these threads is
limited.
"""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cargo_sync.lanes.connect import accept_lane
from cargo_sync.lanes.end import End
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import Pace, pace_of
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.flows.flows import Flow, Flows
from cargo_sync.trees.placed import PlacedSink, PlacedSource, below
from cargo_sync.wire.handshake import LaneKeys

HANDSHAKE: Final = 10.0
KNOCKING: Final = 64
"""Connections without a finished handshake; further ones are closed at once."""

_log = logging.getLogger(__name__)


class LaneListener:
    """Binds `host` and `port` (0 for any) at once; after `start` it takes up to `most` lanes."""

    def __init__(self, host: str, port: int, most: int, steady: Callable[[], float]) -> None:
        """Binds the port.

        Raises:
            OSError: the port cannot be bound.
        """
        self._most = most
        self._steady = steady
        self._knocking = threading.Semaphore(KNOCKING)
        self._lanes = 0
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=128)
        self.port: int = self._socket.getsockname()[1]

    def start(self, flows: Flows) -> None:
        self._flows = flows
        self._thread = threading.Thread(target=self._accept, name="lanes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
        self._socket.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            if self._knocking.acquire(blocking=False):
                threading.Thread(
                    target=self._greet, args=(sock,), name="lane handshake", daemon=True
                ).start()
            else:
                sock.close()

    def _greet(self, sock: socket.socket) -> None:
        try:
            self._open(sock)
        except (ProblemError, OSError) as error:
            sock.close()
            _log.debug("a connection to the port for lanes failed: %s", error)
        finally:
            self._knocking.release()

    def _open(self, sock: socket.socket) -> None:
        claimed: list[Flow] = []

        def lookup(token: bytes) -> LaneKeys | None:
            flow = self._flows.claim(token)
            if flow is None:
                return None
            claimed.append(flow)
            return flow.keys

        try:
            _, link = accept_lane(
                sock, lookup, HANDSHAKE, self._steady, full=self._lanes >= self._most
            )
        except BaseException:
            for flow in claimed:
                self._flows.release(flow)
            raise
        [flow] = claimed
        machine, pace = self._machine(flow, sock, link)

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
        workspace = flow.permit.access.workspace
        if flow.mode is Mode.UPLOAD:
            sink = PlacedSink(workspace.sink(flow.run, flow.permit.check), below(flow.folder))
            return Receiver(link, sink, self._steady, client=False), None
        pace = pace_of(sock)
        source = PlacedSource(workspace.source(), below(flow.folder))
        return Sender(link, source, self._steady, client=False, pace=pace), pace
