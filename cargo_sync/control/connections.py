"""Counts the connections to the sockets of a port, also those that the gate has not accepted."""

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
        self._open: dict[int, set[int]] = {}

    def has_room(self) -> bool:
        return len(self) <= self._most

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    async def count(self, socket: zmq.asyncio.Socket) -> None:
        """Counts the connections of a bound socket until cancelled; then it forgets them."""
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
