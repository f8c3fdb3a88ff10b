"""Binds a socket, or closes it if that fails.

libzmq has a thread for the connections of the commands and another one for those of the feed, so
that a feed with many subscribers does not delay commands.
"""

from collections.abc import Callable
from typing import Final

import zmq
import zmq.asyncio

IO_THREADS: Final = 2
"""Of the context of all sockets; see `on_thread`."""
COMMANDS, FEED = range(IO_THREADS)

SocketSetup = Callable[[zmq.asyncio.Socket], None]
"""Sets options of a socket that must be set before it is bound."""


def on_thread(socket: zmq.asyncio.Socket, number: int) -> None:
    """Gives the connections of a socket to one of libzmq's threads, `COMMANDS` or `FEED`."""
    socket.setsockopt(zmq.AFFINITY, 1 << number)


def no_setup(_: zmq.asyncio.Socket) -> None:
    """Sets no options."""


def bound(socket: zmq.asyncio.Socket, address: str, prepare: SocketSetup) -> zmq.asyncio.Socket:
    """Prepares `socket` and binds it to `address`; closes it if that fails. Raises ZMQError."""
    try:
        prepare(socket)
        socket.bind(address)
    except BaseException:
        socket.close(linger=0)  # an open socket would keep its context from ending
        raise
    return socket
