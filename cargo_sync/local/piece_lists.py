"""Lists of pieces: by which each MiB of a large content is checked when it is read.

A list is made while the content arrives (`content_hash.ListedHash`), in one of two forms. Their
lengths tell them apart: that of the first is even, that of the second odd.

- **Digests**: the BLAKE3 of each piece, 32 bytes each. Anybody who has the content can make it.
- **Tags**: a byte 1, a key of 32 bytes, and 16 bytes for each piece: its tag of AES-256-GMAC (NIST
  SP 800-38D) under this key, where the nonce is the number of the piece. That takes a third of the
  time of BLAKE3. A piece that came as a hole has the tag of no bytes instead, where the nonce is
  2^95: the same for all holes of a list, so that they cost nothing. No entry is zeros: a disk that
  has lost both a part of the list and the pieces there does not make zeros right.

The key is made by chance for each list, and is nowhere else. Whoever does not know the list can
forge a piece of a MiB with a chance of 2^-112 for each try (2^16 blocks of 16 bytes, in a tag of
128 bits). So tags are for who keeps the list to himself and has the pieces checked by nobody else:
a server, whose nodes keep the contents and never see its lists. A tag says nothing of who knows the
list; the hash of the content does.
"""

from collections.abc import Callable, Mapping
from os import close, fstat, pread
from typing import Any, Final, Protocol

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PIECE: Final = 2**20
"""Bytes that are checked together; a content of no more has no list."""
KEY: Final = 32
"""Bytes of a key of tags."""
_TAGGED: Final = b"\x01"
_HOLE: Final = (2**95).to_bytes(12, "big")
"""The nonce of holes: no piece has this number."""
_ZEROS: Final = bytes(blake3(bytes(PIECE)).digest())
_AHEAD: Final = 4_096
"""Entries that are read from a file at once: of 4 GiB."""


class PieceSum(Protocol):
    """The entry of a piece that comes in parts."""

    def update(self, part: memoryview | bytes, /) -> object: ...
    def digest(self) -> bytes: ...


class ListForm(Protocol):
    """How pieces are listed.

    head   what a list begins with
    width  bytes of an entry
    """

    head: bytes
    width: int

    def of(self, number: int, piece: memoryview | bytes) -> bytes:
        """The entry of a piece."""

    def of_hole(self, length: int) -> bytes:
        """The entry of a piece of so many zeros that takes no room."""

    def begun(self, number: int) -> PieceSum:
        """The entry of a piece of which nothing has come yet."""

    def is_right(self, number: int, piece: memoryview | bytes, entry: bytes) -> bool:
        """Whether a piece, which has its length, is what this entry was made of."""

    def is_hole(self, number: int, length: int, entry: bytes) -> bool:
        """Whether a piece of so many zeros is."""


class _Digests:
    """See the module."""

    head = b""
    width = 32

    def of(self, number: int, piece: memoryview | bytes) -> bytes:
        return blake3(piece).digest()

    def of_hole(self, length: int) -> bytes:
        return _zeros_digest(length)

    def begun(self, number: int) -> PieceSum:
        sum: PieceSum = blake3()
        return sum

    def is_right(self, number: int, piece: memoryview | bytes, entry: bytes) -> bool:
        return bool(blake3(piece).digest() == entry)

    def is_hole(self, number: int, length: int, entry: bytes) -> bool:
        return _zeros_digest(length) == entry


DIGESTS: Final[ListForm] = _Digests()


class Tags:
    """See the module. `key` has `KEY` bytes by chance, and is used for one content alone."""

    width = 16

    def __init__(self, key: bytes) -> None:
        self.head = _TAGGED + key
        self._key = key
        self._seal = AESGCM(key).encrypt
        self._hole = self._seal(_HOLE, b"", b"")

    def of(self, number: int, piece: memoryview | bytes) -> bytes:
        return self._seal(_nonce(number), b"", piece)

    def of_hole(self, length: int) -> bytes:
        return self._hole

    def begun(self, number: int) -> PieceSum:
        return _BegunTag(self._key, number)

    def is_right(self, number: int, piece: memoryview | bytes, entry: bytes) -> bool:
        if entry == self._hole:
            return bytes(piece) == bytes(len(piece))
        return self.of(number, piece) == entry

    def is_hole(self, number: int, length: int, entry: bytes) -> bool:
        return entry == self._hole or self.of(number, bytes(length)) == entry


class _BegunTag:
    def __init__(self, key: bytes, number: int) -> None:
        self._sealing: Any = Cipher(algorithms.AES(key), modes.GCM(_nonce(number))).encryptor()

    def update(self, part: memoryview | bytes, /) -> None:
        self._sealing.authenticate_additional_data(part)

    def digest(self) -> bytes:
        """It is called once."""
        self._sealing.finalize()
        tag: bytes = self._sealing.tag
        return tag


class PieceList(Protocol):
    """By what the pieces of one content are checked."""

    def is_right(self, number: int, piece: memoryview) -> bool:
        """Whether this is the piece with this number; it has its length. Raises ProblemError."""

    def is_hole(self, number: int, length: int) -> bool:
        """Whether this piece is so many zeros. Raises ProblemError."""

    def forget(self) -> None:
        """The list was made again."""


class OneDigest:
    """The list of a content of one piece: its own hash."""

    def __init__(self, hash: str) -> None:
        self._digest = bytes.fromhex(hash)

    def is_right(self, number: int, piece: memoryview) -> bool:
        return DIGESTS.is_right(number, piece, self._digest)

    def is_hole(self, number: int, length: int) -> bool:
        return DIGESTS.is_hole(number, length, self._digest)

    def forget(self) -> None:
        """It is always the same."""


class KnownList:
    """A whole list, in memory."""

    def __init__(self, listed: bytes) -> None:
        self._listed = listed
        self._form = form_of(len(listed), listed[: 1 + KEY])

    def is_right(self, number: int, piece: memoryview) -> bool:
        return self._form.is_right(number, piece, self._at(number))

    def is_hole(self, number: int, length: int) -> bool:
        return self._form.is_hole(number, length, self._at(number))

    def forget(self) -> None:
        """It does not change."""

    def _at(self, number: int) -> bytes:
        width = self._form.width
        start = len(self._form.head) + number * width
        return self._listed[start : start + width]


class ListFile:
    """A list in a file, of which some is in memory."""

    def __init__(self, open: Callable[[], int]) -> None:
        """`open` opens it, for a descriptor; it raises ProblemError."""
        self._open = open
        self._form = DIGESTS
        self._first = 0
        self._some = b""

    def is_right(self, number: int, piece: memoryview) -> bool:
        entry = self._at(number)
        return self._form.is_right(number, piece, entry)

    def is_hole(self, number: int, length: int) -> bool:
        entry = self._at(number)
        return self._form.is_hole(number, length, entry)

    def forget(self) -> None:
        self._some = b""

    def _at(self, number: int) -> bytes:
        """The entry of a piece; b"" if the list does not have it. Raises ProblemError."""
        width = self._form.width
        start = (number - self._first) * width
        if not 0 <= start < len(self._some):
            fd = self._open()
            try:
                form = form_of(fstat(fd).st_size, pread(fd, 1 + KEY, 0))
                self._form, width, self._first = form, form.width, number
                self._some = pread(fd, _AHEAD * width, len(form.head) + number * width)
            finally:
                close(fd)
            start = 0
        return self._some[start : start + width]


def form_of(length: int, head: bytes) -> ListForm:
    """The form of a list of so many bytes, which begins so.

    One that has neither is taken for digests: no piece is right by it.
    """
    if length % 2 and length > KEY and head[:1] == _TAGGED:
        return Tags(head[1 : 1 + KEY])
    return DIGESTS


def is_listed(form: ListForm, size: int, entries: Mapping[int, bytes], listed: bytes) -> bool:
    """Whether the pieces of a content are what is listed of it.

    Args:
        form: of the list.
        size: of the content.
        entries: of all pieces, by their number.
        listed: the list.
    """
    head, width = len(form.head), form.width
    if listed[:head] != form.head or len(listed) != head + width * len(entries):
        return False
    for number, found in entries.items():
        start = head + number * width
        entry, length = listed[start : start + width], min(PIECE, size - number * PIECE)
        if found != entry and not (
            entry == form.of_hole(length) and found == form.of(number, bytes(length))
        ):
            return False
    return len(entries) == -(-size // PIECE)


def is_complete(length: int, pieces: int) -> bool:
    """Whether a list of so many bytes may be that of a content of so many pieces."""
    return length in (pieces * DIGESTS.width, 1 + KEY + pieces * Tags.width)


def _zeros_digest(length: int) -> bytes:
    return _ZEROS if length == PIECE else bytes(blake3(bytes(length)).digest())


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
