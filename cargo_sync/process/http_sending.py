"""The body of a request as it goes out, and the wait for the answer behind it.

Bytes that were handed over are not sent yet: a slow line has some MiB of them before it. So the
time in which an answer must come begins when they do not move any more.
"""

import asyncio
from collections.abc import Awaitable, Hashable
from typing import Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter

from cargo_sync.process.byte_stream import UNSENT
from cargo_sync.process.line_progress import WhileMoving, line_mark

STALLED: Final = 60.0
"""Seconds after which a server that takes no more bytes is given up."""


class HttpSending:
    """One body of `size` bytes on its way."""

    def __init__(self, size: int) -> None:
        self._writer: AbstractStreamWriter | None = None
        self._transport: asyncio.Transport | None = None
        self._is_over = not size

    def begin(self, writer: AbstractStreamWriter) -> None:
        """Lets some pieces wait for the socket, instead of one: called before the first one."""
        self._writer = writer
        if isinstance(writer, StreamWriter) and writer.transport is not None:
            self._transport = writer.transport
            self._transport.set_write_buffer_limits(high=UNSENT)

    async def write(self, piece: bytes | memoryview) -> None:
        """Writes a piece, which must stay as it is; returns when there is room for another one.

        Raises:
            TimeoutError: the server takes no more bytes.
        """
        assert self._writer is not None
        async with WhileMoving(self._line, STALLED):
            await self._writer.write(piece)

    def end(self) -> None:
        """All of it was written."""
        self._is_over = True

    async def answered(
        self, request: Awaitable[aiohttp.ClientResponse], silence: float
    ) -> aiohttp.ClientResponse:
        """The head of the answer, which must come when the body is sent.

        The request has no limit of its own for what is read.

        Args:
            request: with this body.
            silence: seconds without a byte on the line, also for what follows of the answer.

        Raises:
            TimeoutError: there is none.
        """
        async with WhileMoving(self._mark, silence):
            answer = await request
        connection = answer.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = silence
            connection.protocol.start_timeout()
        return answer

    def _mark(self) -> Hashable:
        """It changes all the time while the body is handed over: that has limits of its own."""
        return self._line() if self._is_over else asyncio.get_running_loop().time()

    def _line(self) -> Hashable:
        return line_mark(self._transport)
