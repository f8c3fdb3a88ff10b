"""Content as it goes into the body of a request."""

from collections.abc import AsyncIterator
from typing import Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.http_sending import HttpSending
from cargo_sync.trees.remote.contract import Pace

STEP: Final = 256 * 2**10
"""Bytes that are paced together."""


class StreamedBody(aiohttp.Payload):
    """A body of a known length that comes in pieces; it can be sent only once.

    sent  bytes that were handed to the connection
    sending  how it goes
    """

    _autoclose = True

    def __init__(self, size: int, pieces: AsyncIterator[bytes | memoryview]) -> None:
        super().__init__(pieces, content_type="application/octet-stream")
        self._size = size
        self._pieces = pieces
        self._begun = False
        self.sent = 0
        self.sending = HttpSending(size)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Only for aiohttp's own texts."""
        return ""

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Writes all of it.

        Raises:
            ProblemError: it is to be sent once more.
            TimeoutError: the server takes no more bytes.
        """
        if self._begun:
            raise ProblemError(Problem(Code.CUT, "the server wants the login anew"))
        self._begun = True
        self.sending.begin(writer)
        async for piece in self._pieces:
            await self.sending.write(piece)
            self.sent += len(piece)
        self.sending.end()


async def paced(content: memoryview, pace: Pace) -> AsyncIterator[memoryview]:
    """A content in steps, each when it may be sent."""
    for start in range(0, len(content), STEP):
        step = content[start : start + STEP]
        await pace(len(step))
        yield step
