"""A file on a WebDAV server that is being read.

Which file it is, is seen in the answer itself: its ETag and its size make the version. So no
condition is needed, which some servers ignore, and others refuse for a file that is a second old.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import aiohttp

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.webdav.connection import check_encoding
from cargo_sync.trees.webdav.entries import bare_etag, time_of, version_of
from cargo_sync.trees.webdav.problems import no_webdav, translated, was_changed

LARGE: Final = 2**20
"""Bytes from which another program may write a file while it is read: it is looked at again."""
_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


class WebDavContent:
    """What is read from `start` on. See `RemoteContent`.

    Args:
        answer: to a GET, which asked for a range if `start` is not 0.
        where: the server, for people.
        path: of the file.
        entry: the file that is wanted.
        start: the first byte.
        expect: looks whether this file is still the one that is wanted, and raises if not.
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
    ) -> None:
        self._answer = answer
        self._where = where
        self._path = path
        self._entry = entry
        self._start = start
        self._expect = expect
        self._known = False

    async def check(self) -> None:
        """Finds out whether what comes is the file that is wanted.

        Raises:
            ProblemError: CHANGED, VANISHED; BAD_ANSWER.
        """
        check_encoding(self._answer)
        first, size = self._sent()
        if size is not None and size != self._entry.size:
            raise was_changed(self._path)
        if first > self._start:
            raise no_webdav(f"it begins at byte {first}, not at byte {self._start}")
        headers = self._answer.headers
        etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
        if size is not None and (bare_etag(etag) or modified):
            found = version_of(etag, size, time_of(modified))
            self._known = found == self._entry.version
        if not self._known:
            # The answer may have an ETag of another form, or none.
            await self._expect(self._path, self._entry)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        first, _ = self._sent()
        skip, left = self._start - first, self._entry.size - self._start
        with translated(self._where):
            async for piece in self._answer.content.iter_any():
                # A server that knows no ranges sends the file from its beginning.
                if skip:
                    skip, piece = max(0, skip - len(piece)), piece[skip:]
                if len(piece) > left:
                    raise was_changed(self._path)
                left -= len(piece)
                if piece:
                    yield piece
        if left or not self._known or self._entry.size >= LARGE:
            await self._expect(self._path, self._entry)
        if left:
            message = f"the content of {self._path!r} ended early"
            raise ProblemError(Problem(Code.CUT, message, self._path))

    async def close(self) -> None:
        self._answer.release() if self._answer.content.at_eof() else self._answer.close()

    def _sent(self) -> tuple[int, int | None]:
        """The first byte that comes, and the size of the whole file if the answer says it."""
        told = self._answer.headers.get("Content-Range", "")
        if self._answer.status != 206:
            return 0, self._answer.content_length
        match = _RANGE.fullmatch(told.strip())
        if match is None:
            raise no_webdav("it is a part of a file, and does not say which")
        return int(match[1]), int(match[3])
