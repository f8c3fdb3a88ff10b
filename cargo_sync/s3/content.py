"""What a request sends: views of bytes, which are never copied, and their digests."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import md5, sha256
from typing import Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from cargo_sync.process import http_sending
from cargo_sync.wire.sigv4 import UNSIGNED

PIECE: Final = 256 * 1024
"""Bytes that are handed to the socket at once."""
SMALL: Final = 128 * 1024
"""Bytes up to which a digest is made at once: more would hold up the event loop for 0.2 ms."""

Pace = Callable[[int], Awaitable[None]]
"""Waits until so many bytes may be sent."""


@dataclass(frozen=True, slots=True)
class S3Content:
    """The bytes of an object or a part, which may be sent more than once.

    views  the bytes, in order; they must not change while a call runs
    md5    16 bytes, if they are known already; else they are made
    pace   waits before each piece, so that a granted speed is kept; None for no limit
    is_checked_later  whoever reads it knows what it must be: without TLS, too, only its MD5 is
           signed, which the server compares. Else also its SHA-256, because anybody can make two
           contents of the same MD5
    """

    views: Sequence[bytes | memoryview]
    md5: bytes | None = None
    pace: Pace | None = None
    is_checked_later: bool = False

    @property
    def size(self) -> int:
        """Bytes of all views."""
        return sum(memoryview(view).nbytes for view in self.views)


@dataclass(frozen=True, slots=True)
class SentDigests:
    """The MD5 of a content in base64, and its SHA-256 as it is signed."""

    md5: str
    payload: str


def digests(content: S3Content, *, unsigned: bool) -> SentDigests:
    """The digests of a content: blocking work, unless it is small.

    Args:
        content: the bytes.
        unsigned: the payload is not signed, because TLS protects it.
    """
    known = content.md5 or md5_of(content.views)
    payload = UNSIGNED
    if not unsigned:
        hashed = sha256()
        for view in content.views:
            hashed.update(view)
        payload = hashed.hexdigest()
    return SentDigests(b64encode(known).decode(), payload)


def md5_of(views: Sequence[bytes | memoryview]) -> bytes:
    """The 16 bytes of the MD5 of views."""
    hashed = md5(usedforsecurity=False)
    for view in views:
        hashed.update(view)
    return hashed.digest()


class ContentPayload(aiohttp.Payload):
    """A content as aiohttp sends it: views go to the socket as they are."""

    _autoclose = True

    def __init__(self, content: S3Content) -> None:
        super().__init__(content, content_type="application/octet-stream")
        self._content = content
        self._size = content.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Only for aiohttp's own texts."""
        return b"".join(self._content.views).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Writes all of it.

        Raises:
            TimeoutError: the server takes no more bytes.
        """
        http_sending.make_room(writer)
        for view in self._content.views:
            whole = memoryview(view).cast("B")
            for start in range(0, len(whole), PIECE):
                piece = whole[start : start + PIECE]
                if self._content.pace is not None:
                    await self._content.pace(len(piece))
                await http_sending.write(writer, piece)
