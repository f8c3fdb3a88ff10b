"""A file on an SSH server that is being read."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from cargo_sync.model.entries import BY_UMASK, Entry
from cargo_sync.model.problems import Problem
from cargo_sync.trees.remote.problems import ended_early, was_changed
from cargo_sync.trees.sftp.channel import SftpChannel
from cargo_sync.trees.sftp.entries import entry_of
from cargo_sync.trees.sftp.exchange import forget
from cargo_sync.trees.sftp.problems import translated
from cargo_sync.wire.sftp.packets import Attributes, SftpError, Status

AHEAD: Final = 4 * 2**20
"""Bytes that are asked for before they are wanted."""


class SftpContent:
    """What is read from `start` on. See `RemoteContent`.

    Its first bytes are asked for at once. When the last ones are, it is asked, too, what the file
    is then: a small file takes one round trip.
    """

    mtime_ns = None
    mode = None

    def __init__(
        self,
        channel: SftpChannel,
        handle: bytes,
        where: str,
        path: str,
        entry: Entry,
        start: int = 0,
    ) -> None:
        self._channel = channel
        self._handle = handle
        self._where = where
        self._path = path
        self._entry = entry
        self._at = start
        self._is_open = True
        self._coming: deque[tuple[int, int, asyncio.Future[bytes]]] = deque()
        self._ahead = 0
        self._ended: asyncio.Future[Attributes] | None = None
        with translated(where, path):
            self._ask()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._coming:
            offset, length, future = self._coming.popleft()
            with translated(self._where, self._path):
                piece = await self._whole(offset, length, await _some(future))
                self._ahead -= length
                self._ask()
            yield piece
        await self._check()

    async def close(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        for *_, future in self._coming:
            forget(future)
        if self._ended is not None:
            forget(self._ended)
        self._coming.clear()
        if self._channel.is_open:
            forget(self._channel.close(self._handle))

    def _ask(self) -> None:
        """Asks for as much as may come before it is wanted."""
        longest, _ = self._channel.longest
        while self._at < self._entry.size and self._ahead < AHEAD:
            length = min(longest, self._entry.size - self._at)
            future = self._channel.read(self._handle, self._at, length)
            self._coming.append((self._at, length, future))
            self._at += length
            self._ahead += length
        if self._at >= self._entry.size and self._ended is None:
            self._ended = self._channel.fstat(self._handle)

    async def _whole(self, offset: int, length: int, piece: bytes) -> bytes:
        """All of what was asked for: a server may send less of it."""
        while len(piece) < length:
            at = offset + len(piece)
            more = await _some(self._channel.read(self._handle, at, length - len(piece)))
            if not more:
                await self._check()
                raise ended_early(self._path)
            piece += more
            if self._ended is not None:
                forget(self._ended)
                self._ended = None  # it was answered before this was read
        return piece

    async def _check(self) -> None:
        """Raises ProblemError: CHANGED, if the open file is not the one that is wanted."""
        with translated(self._where, self._path):
            attrs = await (self._ended or self._channel.fstat(self._handle))
        found = entry_of(self._path, attrs, modes=self._entry.mode != BY_UMASK)
        if isinstance(found, Problem) or found.version != self._entry.version:
            raise was_changed(self._path)


async def _some(future: asyncio.Future[bytes]) -> bytes:
    """What was read; nothing at the end of the file."""
    try:
        return await future
    except SftpError as error:
        if error.code != Status.END:
            raise
        return b""
