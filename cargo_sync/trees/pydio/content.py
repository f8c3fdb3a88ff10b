"""A file on a Pydio server that is being read.

Where the server knows its MD5, what came is compared with it at the end; else it is looked at.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp

from cargo_sync.model.entries import Entry
from cargo_sync.trees.pydio.entries import version_of
from cargo_sync.trees.pydio.problems import no_pydio
from cargo_sync.trees.remote.problems import ended_early, was_changed
from cargo_sync.trees.webdav.ranged import RangedContent


class PydioContent:
    """What is read from `start` on. See `RemoteContent`.

    Args:
        answer: to a download, which asked for a range if `start` is not 0.
        where: the server, for people.
        path: of the file.
        entry: the file that is wanted.
        start: the first byte.
        expect: looks whether this file is still the one that is wanted, and raises if not.
        hashed: the version of `entry` is made of its MD5.
    """

    mtime_ns = None
    mode = None

    def __init__(
        self,
        answer: aiohttp.ClientResponse,
        where: str,
        path: str,
        entry: Entry,
        start: int,
        expect: Callable[[str, Entry], Awaitable[object]],
        *,
        hashed: bool,
    ) -> None:
        self._sent = RangedContent(answer, where, path, entry.size, start, no_pydio)
        self._path = path
        self._entry = entry
        self._expect = expect
        self._compared = hashed and start == 0

    async def check(self) -> None:
        """Finds out whether what comes can be the file that is wanted.

        Raises:
            ProblemError: CHANGED, VANISHED; BAD_ANSWER.
        """
        self._sent.check()
        if not self._compared:
            await self._expect(self._path, self._entry)

    async def __aiter__(self) -> AsyncIterator[bytes | memoryview]:
        digest = hashlib.md5(usedforsecurity=False)
        async for piece in self._sent.pieces():
            if self._compared:
                digest.update(piece)
            yield piece
        if self._sent.left:
            await self._expect(self._path, self._entry)
            raise ended_early(self._path)
        if not self._compared:
            await self._expect(self._path, self._entry)
        elif version_of(digest.hexdigest(), self._entry.size) != self._entry.version:
            raise was_changed(self._path)

    async def close(self) -> None:
        await self._sent.close()
