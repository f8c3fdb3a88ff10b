"""Binds a socket, or closes it if that fails."""

from collections.abc import Callable

import zmq.asyncio

SocketSetup = Callable[[zmq.asyncio.Socket], None]
"""Sets options of a socket that must be set before it is bound."""


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
