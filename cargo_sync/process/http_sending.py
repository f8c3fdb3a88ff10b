"""The body of a request as it goes out."""

import asyncio
from typing import Final

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter

from cargo_sync.process.byte_stream import UNSENT

STALLED: Final = 60.0
"""Seconds after which a server that takes no more bytes is given up."""


def make_room(writer: AbstractStreamWriter) -> None:
    """Lets some pieces wait for the socket, instead of one: called before the first one."""
    if isinstance(writer, StreamWriter) and writer.transport is not None:
        writer.transport.set_write_buffer_limits(high=UNSENT)


async def write(writer: AbstractStreamWriter, piece: bytes | memoryview) -> None:
    """Writes a piece, which must stay as it is; returns when there is room for another one.

    Raises:
        TimeoutError: the server takes no more bytes.
    """
    async with asyncio.timeout(STALLED):
        await writer.write(piece)
