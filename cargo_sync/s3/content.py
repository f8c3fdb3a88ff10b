"""What a request sends: views of bytes, which are never copied, and their digests."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from cargo_sync.process.http_sending import HttpSending
from cargo_sync.s3.sent_hashes import SentHash
from cargo_sync.wire.sigv4 import UNSIGNED

PIECE: Final = 256 * 1024
"""Bytes that are handed to the socket at once."""
SMALL: Final = 128 * 1024
"""Bytes up to which a digest is made at once: more would hold up the event loop for 0.2 ms."""

_MD5: Final = "Content-MD5"
_HEADERS: Final = {SentHash.MD5: _MD5, SentHash.CRC32: "x-amz-checksum-crc32"}

Pace = Callable[[int], Awaitable[None]]
"""Waits until so many bytes may be sent."""


@dataclass(frozen=True, slots=True)
class S3Content:
    """The bytes of an object or a part, which may be sent more than once.

    views  the bytes, in order; they must not change while a call runs
    md5    16 bytes, if they are known already; else they are made if the server needs them
    pace   waits before each piece, so that a granted speed is kept; None for no limit
    is_checked_later  whoever reads it knows what it must be: without TLS, too, its MD5 is proof
           enough for the server
    sha256, crc32  32 bytes and 4, as `md5`
    """

    views: Sequence[bytes | memoryview]
    md5: bytes | None = None
    pace: Pace | None = None
    is_checked_later: bool = False
    sha256: bytes | None = None
    crc32: bytes | None = None

    @property
    def known(self) -> Set[SentHash]:
        """The hashes that are known."""
        return self._digests.keys()

    def with_hash(self, kind: SentHash, digest: bytes) -> Self:
        """The same content, of which this hash is known."""
        if kind is SentHash.MD5:
            return replace(self, md5=digest)
        if kind is SentHash.SHA256:
            return replace(self, sha256=digest)
        return replace(self, crc32=digest)

    def digest(self, kind: SentHash) -> bytes:
        """A hash, which is made if it is not known: blocking work then."""
        return self._digests.get(kind) or digest_of(kind, self.views)

    @property
    def _digests(self) -> Mapping[SentHash, bytes]:
        found = {
            SentHash.MD5: self.md5,
            SentHash.SHA256: self.sha256,
            SentHash.CRC32: self.crc32,
        }
        return {kind: digest for kind, digest in found.items() if digest is not None}

    @property
    def size(self) -> int:
        """Bytes of all views."""
        return sum(memoryview(view).nbytes for view in self.views)


@dataclass(frozen=True, slots=True)
class SentDigests:
    """What a content is sent with.

    headers  that tell the server hashes
    payload  its SHA-256 as it is signed, or what is signed in its place
    """

    headers: Mapping[str, str]
    payload: str

    @property
    def has_md5(self) -> bool:
        return _MD5 in self.headers


def digests(content: S3Content, kinds: Set[SentHash]) -> SentDigests:
    """What a content is sent with: blocking work, unless it is small or these are known."""
    made = {kind: content.digest(kind) for kind in kinds}
    headers = {
        name: b64encode(made[kind]).decode() for kind, name in _HEADERS.items() if kind in made
    }
    sha256 = made.get(SentHash.SHA256)
    return SentDigests(headers, UNSIGNED if sha256 is None else sha256.hex())


def digest_of(kind: SentHash, views: Sequence[bytes | memoryview]) -> bytes:
    """A hash of views."""
    hashed = kind.new()
    for view in views:
        hashed.update(view)
    return bytes(hashed.digest())


class ContentPayload(aiohttp.Payload):
    """A content as aiohttp sends it: views go to the socket as they are.

    sending  how it goes
    """

    _autoclose = True

    def __init__(self, content: S3Content) -> None:
        super().__init__(content, content_type="application/octet-stream")
        self._content = content
        self._size = content.size
        self.sending = HttpSending(content.size)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Only for aiohttp's own texts."""
        return b"".join(self._content.views).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Writes all of it.

        Raises:
            TimeoutError: the server takes no more bytes.
        """
        self.sending.begin(writer)
        for view in self._content.views:
            whole = memoryview(view).cast("B")
            for start in range(0, len(whole), PIECE):
                piece = whole[start : start + PIECE]
                if self._content.pace is not None:
                    await self._content.pace(len(piece))
                await self.sending.write(piece)
        self.sending.end()
