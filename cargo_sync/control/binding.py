"""Binding a socket, or leaving none behind."""

from collections.abc import Callable

import zmq.asyncio

SocketSetup = Callable[[zmq.asyncio.Socket], None]
"""Sets the options of a socket that have to stand before it is bound."""


def as_it_is(_: zmq.asyncio.Socket) -> None:
    """No more options."""


def bound(socket: zmq.asyncio.Socket, address: str, prepare: SocketSetup) -> zmq.asyncio.Socket:
    """`socket`, prepared and bound to `address`; closed if that fails. Raises zmq.ZMQError."""
    try:
        prepare(socket)
        socket.bind(address)
    except BaseException:
        socket.close(linger=0)  # one that stayed open would keep its context from ending
        raise
    return socket
