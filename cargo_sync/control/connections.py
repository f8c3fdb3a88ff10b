"""Counts the connections to the sockets of a port, also those that the gate has not accepted."""

from contextlib import suppress
from typing import Final

import zmq
import zmq.asyncio
from zmq.utils.monitor import parse_monitor_message

MOST: Final = 1_000
_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED


class Connections:
    """Counts the connections of several sockets.

    most  if there are more, the gate refuses new ones; existing ones stay
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._open: dict[zmq.Socket[bytes], set[int]] = {}

    def has_room(self) -> bool:
        """Whether one more connection may come in.

        libzmq reports a connection before it asks the gate about it. The reports that still wait
        are read here, so that the answer never depends on which socket the event loop read first.
        """
        for monitor in self._open:
            self._read(monitor)
        return len(self) <= self._most

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    async def count(self, socket: zmq.asyncio.Socket) -> None:
        """Counts the connections of a bound socket until cancelled; then it forgets them."""
        watched = socket.get_monitor_socket(_EVENTS)
        monitor: zmq.Socket[bytes] = zmq.Socket.shadow(watched)
        self._open[monitor] = set()
        try:
            while True:
                await watched.poll()
                self._read(monitor)
        finally:
            del self._open[monitor]
            socket.disable_monitor()
            watched.close(linger=0)

    def _read(self, monitor: "zmq.Socket[bytes]") -> None:
        """Reads the reports that wait."""
        connections = self._open[monitor]
        with suppress(zmq.Again):
            while True:
                event = parse_monitor_message(monitor.recv_multipart(zmq.NOBLOCK))
                if event["event"] == zmq.EVENT_ACCEPTED:
                    connections.add(event["value"])
                else:
                    connections.discard(event["value"])
