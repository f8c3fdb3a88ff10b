"""New content: written under another name, synced, with its time and mode."""

import asyncio
from collections import deque
from typing import Final

from cargo_sync.model.entries import BY_UMASK, PERMISSIONS
from cargo_sync.trees.remote.contract import Pace
from cargo_sync.trees.sftp.channel import SftpChannel
from cargo_sync.trees.sftp.entries import seconds
from cargo_sync.trees.sftp.exchange import forget
from cargo_sync.wire.sftp.packets import Attributes

UNDER_WAY: Final = 4 * 2**20
"""Bytes that are sent before the server has said that it wrote them."""


async def write(
    channel: SftpChannel, handle: bytes, offset: int, content: memoryview, pace: Pace
) -> None:
    """Writes content at an offset, many requests at the same time."""
    _, longest = channel.longest
    under_way: deque[asyncio.Future[None]] = deque()
    try:
        for start in range(0, len(content), longest):
            piece = content[start : start + longest]
            await pace(len(piece))
            if len(under_way) * longest >= UNDER_WAY:
                await under_way.popleft()
            under_way.append(channel.write(handle, offset + start, piece))
        while under_way:
            await under_way.popleft()
    finally:
        for one in under_way:
            forget(one)


def attributes(mtime_ns: int, mode: int) -> Attributes:
    """The attributes to set; a mode that is not known stays as it is."""
    time = seconds(mtime_ns)
    return Attributes(mtime=time, mode=None if mode == BY_UMASK else mode & PERMISSIONS)
