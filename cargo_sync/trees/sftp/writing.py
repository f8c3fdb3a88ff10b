"""New content: written under another name, synced, with its time and mode."""

import asyncio
from contextlib import suppress
from typing import Final

import asyncssh

from cargo_sync.model.entries import BY_UMASK, PERMISSIONS
from cargo_sync.trees.remote.contract import Pace
from cargo_sync.trees.sftp.connection import ANSWER_SECONDS
from cargo_sync.trees.sftp.entries import seconds

STEP: Final = 256 * 2**10
"""Bytes that are paced together."""
TOGETHER: Final = 4
"""Steps under way at the same time."""


async def write(
    opened: asyncssh.SFTPClientFile, offset: int, content: memoryview, pace: Pace
) -> None:
    """Writes content at an offset; some steps of it are under way at the same time."""
    under_way: set[asyncio.Task[int]] = set()
    try:
        for start in range(0, len(content), STEP):
            step = bytes(content[start : start + STEP])
            await pace(len(step))
            if len(under_way) >= TOGETHER:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    one.result()
            under_way.add(asyncio.create_task(_step(opened, step, offset + start)))
        while under_way:
            done, under_way = await asyncio.wait(under_way)
            for one in done:
                one.result()
    finally:
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _step(opened: asyncssh.SFTPClientFile, step: bytes, offset: int) -> int:
    async with asyncio.timeout(ANSWER_SECONDS):
        return await opened.write(step, offset)


async def sync(opened: asyncssh.SFTPClientFile) -> None:
    """Makes what was written durable, where the server can."""
    async with asyncio.timeout(ANSWER_SECONDS):
        with suppress(asyncssh.SFTPOpUnsupported):
            await opened.fsync()


def attributes(mtime_ns: int, mode: int) -> asyncssh.SFTPAttrs:
    """The attributes to set; a mode that is not known stays as it is."""
    time = seconds(mtime_ns)
    if mode == BY_UMASK:
        return asyncssh.SFTPAttrs(atime=time, mtime=time)
    return asyncssh.SFTPAttrs(atime=time, mtime=time, permissions=mode & PERMISSIONS)
