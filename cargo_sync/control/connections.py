"""How many peers are connected to the sockets of a port, whether they came through the gate or
not."""

from typing import Final

import zmq
import zmq.asyncio
from zmq.utils.monitor import parse_monitor_message

MOST: Final = 1_000
_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED


class Connections:
    """Counts the connections of several sockets.

    most  past it the gate lets nobody in; who is in stays
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._open: dict[int, set[int]] = {}

    def has_room(self) -> bool:
        return len(self) <= self._most

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    async def count(self, socket: zmq.asyncio.Socket) -> None:
        """Follow the connections of a socket that is bound, until cancelled; then they count no
        more."""
        monitor = socket.get_monitor_socket(_EVENTS)
        mine = self._open[id(socket)] = set[int]()
        try:
            while True:
                event = parse_monitor_message(await monitor.recv_multipart())
                if event["event"] == zmq.EVENT_ACCEPTED:
                    mine.add(event["value"])
                else:
                    mine.discard(event["value"])
        finally:
            del self._open[id(socket)]
            socket.disable_monitor()
            monitor.close(linger=0)
