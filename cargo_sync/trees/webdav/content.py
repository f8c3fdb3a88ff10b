"""A file on a WebDAV server that is being read.

Which file it is, is seen in the answer itself: its ETag and its size make the version. So no
condition is needed, which some servers ignore, and others refuse for a file that is a second old.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import aiohttp

from cargo_sync.model.entries import Entry
from cargo_sync.model.world import Offload
from cargo_sync.process.passing_on import Put
from cargo_sync.trees.remote.problems import ended_early
from cargo_sync.trees.webdav.entries import bare_etag, time_of, version_of
from cargo_sync.trees.webdav.problems import no_webdav
from cargo_sync.trees.webdav.ranged import RangedContent

LARGE: Final = 2**20
"""Bytes from which another program may write a file while it is read: it is looked at again."""


class WebDavContent:
    """What is read from `start` on. See `RemoteContent`.

    Args:
        answer: to a GET, which asked for a range if `start` is not 0.
        where: the server, for people.
        path: of the file.
        entry: the file that is wanted.
        start: the first byte.
        expect: looks whether this file is still the one that is wanted, and raises if not.
        end: the byte after the last one; None for all that follows.
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
        end: int | None = None,
    ) -> None:
        self._headers = answer.headers
        self._sent = RangedContent(answer, where, path, entry.size, start, no_webdav, end)
        self._path = path
        self._entry = entry
        self._expect = expect
        self._known = False

    async def check(self) -> None:
        """Finds out whether what comes is the file that is wanted.

        Raises:
            ProblemError: CHANGED, VANISHED; BAD_ANSWER.
        """
        size = self._sent.check()
        etag, modified = self._headers.get("ETag", ""), self._headers.get("Last-Modified", "")
        if size is not None and (bare_etag(etag) or modified):
            found = version_of(etag, size, time_of(modified))
            self._known = found == self._entry.version
        if not self._known:
            # The answer may have an ETag of another form, or none.
            await self._expect(self._path, self._entry)

    async def __aiter__(self) -> AsyncIterator[bytes | memoryview]:
        async for piece in self._sent.pieces():
            yield piece
        if self._sent.left or not self._known or self._entry.size >= LARGE:
            await self._expect(self._path, self._entry)
        if self._sent.left:
            raise ended_early(self._path)

    async def pass_on(self, most: int, put: Put, offload: Offload) -> int:
        return await self._sent.pass_on(most, put, offload)

    async def close(self) -> None:
        await self._sent.close()
