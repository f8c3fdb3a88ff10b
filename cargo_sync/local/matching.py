"""Hashes of other kinds than ours: whether a file here has the one that its server knows."""

from collections.abc import Sequence
from hashlib import md5, sha1
from typing import Any, Final, Protocol

from cargo_sync.local.content_hash import ZEROS
from cargo_sync.model.known_hashes import HashKind, KnownHash

MIB: Final = 2**20
PART_SIZES: Final = tuple(size * MIB for size in (5, 8, 10, 15, 16, 25, 32, 50, 64, 100, 128))
"""Bytes of the parts in which common clients send larger files: rclone 5 MiB, aws 8 MiB, s3cmd 15
MiB, and round numbers. The server does not say which it was."""
NARROW: Final = 2
"""How many sizes of whole MiB are tried besides: many parts of one file leave no more than that."""


class Digest(Protocol):
    """The hash of bytes that are given in file order."""

    def update(self, content: memoryview | bytes) -> None:
        """The next bytes."""

    def hexdigest(self) -> str:
        """The hash of all of them; nothing may come after it."""


class PartsDigest:
    """The MD5 of the MD5s of all parts of `size` bytes; see HashKind.MD5_OF_PARTS."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._part: Any = md5(usedforsecurity=False)
        self._parts: list[bytes] = []

    def update(self, content: memoryview | bytes) -> None:
        content = memoryview(content)
        while content:
            some = content[: self._left]
            self._part.update(some)
            self._left -= len(some)
            content = content[len(some) :]
            if not self._left:
                self._end_part()

    def hexdigest(self) -> str:
        if self._left < self._size or not self._parts:
            self._end_part()
        whole = md5(b"".join(self._parts), usedforsecurity=False).hexdigest()
        return f"{whole}-{len(self._parts)}"

    def _end_part(self) -> None:
        self._parts.append(self._part.digest())
        self._part, self._left = md5(usedforsecurity=False), self._size


def digests_of(known: KnownHash, size: int) -> Sequence[Digest]:
    """What a file of `size` bytes must be hashed with: it is the same content if one is equal.

    None: nothing can be said.
    """
    match known.kind:
        case HashKind.MD5:
            return [md5(usedforsecurity=False)]
        case HashKind.SHA1:
            return [sha1(usedforsecurity=False)]
        case HashKind.MD5_OF_PARTS:
            return [PartsDigest(part) for part in _part_sizes(known, size)]
        case HashKind.BLAKE3:
            return []


def add_zeros(digests: Sequence[Digest], count: int) -> None:
    """So many zeros are next."""
    for digest in digests:
        for start in range(0, count, len(ZEROS)):
            digest.update(ZEROS[: count - start])


def _part_sizes(known: KnownHash, size: int) -> Sequence[int]:
    """The part sizes with which a file of `size` bytes has as many parts as the hash says."""
    count = int(known.text.rpartition("-")[2])
    if count == 1:
        return [max(1, size)]  # one part is the whole file, however large it is
    least = max(1, -(-size // (count * MIB)))
    whole = [mib * MIB for mib in range(least, least + NARROW)]
    if -(-size // (whole[-1] + MIB)) == count:
        whole = []  # of few parts any size is possible
    sizes = dict.fromkeys([known.part, *PART_SIZES, *whole])
    return [part for part in sizes if part and -(-size // part) == count]
