"""The content of a file in an answer of HTTP, from some byte on, which may be a range of it."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Final

import aiohttp

from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.http_body import HttpBody
from cargo_sync.process.passing_on import Put
from cargo_sync.trees.remote.problems import was_changed
from cargo_sync.trees.webdav.connection import check_encoding
from cargo_sync.trees.webdav.problems import translated

_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


class RangedContent:
    """What comes from `start` on, or up to `end`, of the file at `path`, which has `size` bytes.

    left  bytes that have not come yet

    Args:
        answer: to a request that asked for a range if `start` is not 0.
        where: the server, for people.
        path: of the file.
        size: of the file that is wanted.
        start: the first byte.
        bad: gives the problem of an answer that is not valid.
        end: the byte after the last one that was asked for; None for all that follows.
    """

    def __init__(
        self,
        answer: aiohttp.ClientResponse,
        where: str,
        path: str,
        size: int,
        start: int,
        bad: Callable[[str], ProblemError],
        end: int | None = None,
    ) -> None:
        self._answer = answer
        self._where = where
        self._path = path
        self._size = size
        self._start = start
        self._bad = bad
        self._skip = 0
        self._body = HttpBody(answer)
        self._body.keeps = end is not None
        self.left = (size if end is None else end) - start

    def check(self) -> int | None:
        """Finds out which part comes; it is called first.

        Returns:
            The size of the whole file, if the answer says it: then it is the one that is wanted.

        Raises:
            ProblemError: CHANGED; BAD_ANSWER.
        """
        check_encoding(self._answer)
        first, size = self._sent()
        if size is not None and size != self._size:
            raise was_changed(self._path)
        if first > self._start:
            raise self._bad(f"it begins at byte {first}, not at byte {self._start}")
        self._skip = self._start - first
        return size

    async def pieces(self) -> AsyncIterator[bytes | memoryview]:
        """The content as it comes. Raises ProblemError: CHANGED, if it is too long."""
        with translated(self._where):
            while piece := await self._body.read():
                # A server that knows no ranges sends the file from its beginning.
                if skip := self._skip:
                    self._skip, piece = max(0, skip - len(piece)), piece[skip:]
                if len(piece) > self.left:
                    raise was_changed(self._path)
                self.left -= len(piece)
                if piece:
                    yield piece

    async def pass_on(self, most: int, put: Put, offload: Offload) -> int:
        """See `ByteStream`."""
        if self._skip:
            return 0
        count = await self._body.pass_on(min(most, self.left), put, offload)
        self.left -= count
        return count

    async def close(self) -> None:
        """Ends the answer; its connection is used again if nothing is left of it."""
        self._answer.release() if self._answer.content.at_eof() else self._answer.close()

    def _sent(self) -> tuple[int, int | None]:
        """The first byte that comes, and the size of the whole file if the answer says it."""
        if self._answer.status != 206:
            return 0, self._answer.content_length
        match = _RANGE.fullmatch(self._answer.headers.get("Content-Range", "").strip())
        if match is None:
            raise self._bad("it is a part of a file, and does not say which")
        return int(match[1]), int(match[3])
