"""A file on a Pydio server that is being read.

Where the server knows its MD5, what came is compared with it at the end; else it is looked at.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import aiohttp

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.pydio.entries import version_of
from cargo_sync.trees.pydio.problems import no_pydio
from cargo_sync.trees.webdav.connection import check_encoding
from cargo_sync.trees.webdav.problems import translated, was_changed

_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


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
        self._answer = answer
        self._where = where
        self._path = path
        self._entry = entry
        self._start = start
        self._expect = expect
        self._compared = hashed and start == 0

    async def check(self) -> None:
        """Finds out whether what comes can be the file that is wanted.

        Raises:
            ProblemError: CHANGED, VANISHED; BAD_ANSWER.
        """
        check_encoding(self._answer)
        first, size = self._sent()
        if size is not None and size != self._entry.size:
            raise was_changed(self._path)
        if first > self._start:
            raise no_pydio(f"it begins at byte {first}, not at byte {self._start}")
        if not self._compared:
            await self._expect(self._path, self._entry)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        first, _ = self._sent()
        skip, left = self._start - first, self._entry.size - self._start
        digest = hashlib.md5(usedforsecurity=False)
        with translated(self._where):
            async for piece in self._answer.content.iter_any():
                # A server that knows no ranges sends the file from its beginning.
                if skip:
                    skip, piece = max(0, skip - len(piece)), piece[skip:]
                if len(piece) > left:
                    raise was_changed(self._path)
                left -= len(piece)
                if self._compared:
                    digest.update(piece)
                if piece:
                    yield piece
        if left:
            await self._expect(self._path, self._entry)
            message = f"the content of {self._path!r} ended early"
            raise ProblemError(Problem(Code.CUT, message, self._path))
        if not self._compared:
            await self._expect(self._path, self._entry)
        elif version_of(digest.hexdigest(), self._entry.size) != self._entry.version:
            raise was_changed(self._path)

    async def close(self) -> None:
        self._answer.release() if self._answer.content.at_eof() else self._answer.close()

    def _sent(self) -> tuple[int, int | None]:
        """The first byte that comes, and the size of the whole file if the answer says it."""
        if self._answer.status != 206:
            return 0, self._answer.content_length
        match = _RANGE.fullmatch(self._answer.headers.get("Content-Range", "").strip())
        if match is None:
            raise no_pydio("it is a part of a file, and does not say which")
        return int(match[1]), int(match[3])
