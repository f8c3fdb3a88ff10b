"""A stream of bytes, encrypted and authenticated: chunks of 1 MiB in the STREAM construction.

The head is plain; it is covered by the seal of each chunk. Then come the chunks, each sealed with
AES-256-GCM under a key of this stream alone: HKDF of the sealing key with the salt of the head. The
nonce is the number of the chunk, and whether it is the last one. So a chunk that was changed, cut
off, left out, put elsewhere or taken from another stream is not opened. See "Online Authenticated-
Encryption and its Nonce-Reuse Misuse-Resistance" (Hoang, Reyhanitabar, Rogaway, Vizár; 2015).
"""

import struct
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cargo_sync.machines.nodes.snapshots import MadeSnapshot
from cargo_sync.model.problems import Code, Problem, ProblemError

CHUNK: Final = 1 << 20
SALT: Final = 32
_MAGIC: Final = b"cargo snapshot 1"
_HEAD: Final = struct.Struct(f">16sQd{SALT}s")
_NONCE: Final = struct.Struct(">3xQB")
_TAG: Final = 16
_KEY: Final = 32
_USE: Final = b"cargo snapshot: chunks"


class Stream(Protocol):
    """What is read from the beginning to the end."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end. Raises ProblemError."""


class SealHead(NamedTuple):
    """What everybody may know of a snapshot."""

    snapshot: MadeSnapshot
    salt: bytes

    def encoded(self) -> bytes:
        return _HEAD.pack(_MAGIC, *self.snapshot, self.salt)


class SealedWriter:
    """Seals what is written. `close` writes the last chunk: without it nothing can be opened."""

    def __init__(self, out: Callable[[bytes], object], sealing: bytes, head: SealHead) -> None:
        """Writes the head. `sealing` has 32 bytes, `head.salt` was never used before."""
        self._out = out
        self._head = head.encoded()
        self._cipher = _cipher(sealing, head.salt)
        self._chunks = 0
        self._buffer = bytearray()
        out(self._head)

    def write(self, content: bytes) -> int:
        self._buffer += content
        while len(self._buffer) > CHUNK:
            self._seal(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]
        return len(content)

    def close(self) -> None:
        self._seal(bytes(self._buffer), last=True)
        self._buffer.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        nonce = _NONCE.pack(self._chunks, last)
        self._out(self._cipher.encrypt(nonce, chunk, self._head))
        self._chunks += 1


class SealedReader:
    """Opens what a `SealedWriter` has sealed. Nothing is given out that was not sealed so.

    head  as it came; it is proved once something could be read
    """

    def __init__(self, source: Stream, sealing: bytes) -> None:
        """Reads the head. Raises ProblemError: `corrupt`, or what the source raises."""
        self._source = source
        self._raw = self._whole(_HEAD.size)
        if len(self._raw) < _HEAD.size or not self._raw.startswith(_MAGIC):
            raise _corrupt("it does not begin as a snapshot does")
        _, number, made, salt = _HEAD.unpack(self._raw)
        self.head = SealHead(MadeSnapshot(number, made), salt)
        self._cipher = _cipher(sealing, salt)
        self._chunks = 0
        self._next = self._whole(CHUNK + _TAG)
        self._open = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end.

        Raises:
            ProblemError: `corrupt`: it was sealed with another key, was changed, or is cut.
        """
        while not self._open and not self._ended:
            self._open = self._opened()
        some, self._open = self._open[:size], self._open[size:]
        return some

    def _opened(self) -> bytes:
        sealed, self._next = self._next, self._whole(CHUNK + _TAG)
        last = not self._next
        try:
            chunk = self._cipher.decrypt(_NONCE.pack(self._chunks, last), sealed, self._raw)
        except (InvalidTag, ValueError) as error:
            why = "is cut" if self._chunks else "was sealed with another recovery key"
            raise _corrupt(f"it {why}, or was changed") from error
        self._chunks += 1
        self._ended = last
        return chunk

    def _whole(self, size: int) -> bytes:
        """So many bytes; fewer at the end."""
        found = bytearray()
        while len(found) < size and (some := self._source.read(size - len(found))):
            found += some
        return bytes(found)


def _cipher(sealing: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), _KEY, salt=salt, info=_USE).derive(sealing))


def _corrupt(why: str) -> ProblemError:
    return ProblemError(Problem(Code.CORRUPT, f"the snapshot cannot be opened: {why}", retry=False))
