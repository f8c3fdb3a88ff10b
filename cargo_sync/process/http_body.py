"""The body of an answer of HTTP; a large one is received past aiohttp, into large buffers.

aiohttp copies each byte twice, and wakes its reader for each piece that a socket gives. So, when a
body of a known length is long, the connection is taken over once its first bytes are there: what
remains is nothing but bytes. Such a connection is not used again.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import aiohttp

from cargo_sync.model.world import Offload
from cargo_sync.process.buffers import GivenMemory
from cargo_sync.process.byte_stream import ByteStream
from cargo_sync.process.passing_on import Put

LARGE: Final = 4 * 2**20
"""Bytes that are still to come from which a connection is taken over."""


class HttpBody:
    """The body of an answer, as it comes on the line.

    into  views of memory with as many bytes as the body: what is received past aiohttp is received
          there, each byte at its place, and a piece ends where a view does; None: elsewhere
    keeps  whether the connection is to be used again, so that nothing is received past aiohttp
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.into: Sequence[memoryview] | None = None
        self.keeps = False
        self._stream: ByteStream | None = None
        self._silence: float | None = None
        self._is_asked = False

    async def read(self) -> bytes | memoryview:
        """The next bytes; none at the end.

        Raises:
            aiohttp.ClientError, OSError: the connection was cut, or nothing came for too long.
        """
        if self._stream is not None:
            async with asyncio.timeout(self._silence):
                return await self._stream.read()
        piece = await self._response.content.readany()
        if piece and not self._is_asked and not self.keeps:
            self._is_asked = True
            return self._take_over(piece)
        return piece

    async def pass_on(self, most: int, put: Put, offload: Offload) -> int:
        """See `ByteStream`."""
        return 0 if self._stream is None else await self._stream.pass_on(most, put, offload)

    def _take_over(self, piece: bytes) -> bytes:
        """Goes on past aiohttp, if that can be and is worth it. Returns what it has, from here on.

        No event of the connection comes meanwhile.
        """
        response = self._response
        content, connection, size = response.content, response.connection, _size_of(response)
        if connection is None or size - content.total_bytes < LARGE:
            return piece
        pieces = [piece]
        while more := content.read_nowait():
            pieces.append(more)
        piece = b"".join(pieces)
        transport, protocol = connection.transport, connection.protocol
        left = size - content.total_bytes
        if not left or transport is None or protocol is None or transport.is_closing():
            return piece
        self._silence = protocol.read_timeout
        protocol.pause_reading()
        now = asyncio.get_running_loop().time
        into = None if self.into is None else GivenMemory(self.into, size - left)
        self._stream = ByteStream(now, left, protocol.connection_lost, into)
        transport.set_protocol(self._stream)
        self._stream.connection_made(transport)
        transport.resume_reading()
        return piece


def _size_of(response: aiohttp.ClientResponse) -> int:
    """The bytes of a body that comes as it is; 0 if that is not known."""
    if "Transfer-Encoding" in response.headers or response.method == "HEAD":
        return 0
    return response.content_length or 0
