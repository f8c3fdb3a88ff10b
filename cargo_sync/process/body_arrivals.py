"""How much of a long body comes before a loop is told of it: few calls instead of many."""

import asyncio
import socket
import sys
from contextlib import suppress
from typing import Final

TOGETHER: Final = 256 * 2**10
"""Bytes that come in one call, on a line that is not slow."""
SLOW: Final = 1.0
"""Seconds without a call after which a line is slow."""


class BodyArrivals:
    """Decides for one connection, whose loop is told of each packet at first.

    Only Linux can do it. There the loop is told, too, when the kernel's buffer is full, and at the
    end of the stream.
    """

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._socket: socket.socket | None = None
        if sys.platform == "linux":
            self._socket = transport.get_extra_info("socket")
        self._least = 1

    def expect(self, rest: int) -> None:
        """So many bytes of the body are still to come."""
        # The last ones are not waited for: with TLS, some of them may be here already, in a record
        # that is not complete.
        self._tell(TOGETHER if rest > 2 * TOGETHER else 1)

    def waited(self, seconds: float) -> None:
        """The loop was told of nothing for so long."""
        if seconds >= SLOW:
            self._tell(1)

    def _tell(self, least: int) -> None:
        # The descriptor of a connection that is closed may be somebody else's by now.
        if self._socket is None or least == self._least or self._transport.is_closing():
            return
        self._least = least
        with suppress(OSError):  # not possible here: it is told of each packet
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)
