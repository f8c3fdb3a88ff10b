"""A file on an SSH server that is being read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import asyncssh

from cargo_sync.model.entries import BY_UMASK, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.remote.problems import was_changed
from cargo_sync.trees.sftp.entries import entry_of
from cargo_sync.trees.sftp.problems import translated

PIECE: Final = 2 * 2**20
"""Bytes that are asked for together; the next ones are under way meanwhile."""


class SftpContent:
    """What is read from `start` on. See `RemoteContent`."""

    mtime_ns = None
    mode = None

    def __init__(
        self, opened: asyncssh.SFTPClientFile, where: str, path: str, entry: Entry, start: int
    ) -> None:
        self._opened = opened
        self._where = where
        self._path = path
        self._entry = entry
        self._start = start

    async def __aiter__(self) -> AsyncIterator[bytes]:
        at, size = self._start, self._entry.size
        coming: asyncio.Task[bytes] | None = self._ask(at)
        try:
            while at < size and coming is not None:
                with translated(self._where, self._path):
                    piece = await coming
                if len(piece) < min(PIECE, size - at):
                    await self.check()
                    message = f"the content of {self._path!r} ended early"
                    raise ProblemError(Problem(Code.CUT, message, self._path))
                at += len(piece)
                coming = self._ask(at)
                yield piece
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
        await self.check()

    async def check(self) -> None:
        """Raises ProblemError: CHANGED, if the open file is not the one that is wanted."""
        with translated(self._where, self._path):
            attrs = await self._opened.stat()
        found = entry_of(self._path, attrs, modes=self._entry.mode != BY_UMASK)
        if isinstance(found, Problem) or found.version != self._entry.version:
            raise was_changed(self._path)

    async def close(self) -> None:
        with suppress(asyncssh.Error, OSError):
            await self._opened.close()

    def _ask(self, at: int) -> asyncio.Task[bytes] | None:
        left = self._entry.size - at
        if left <= 0:
            return None
        return asyncio.create_task(self._opened.read(min(PIECE, left), at))
