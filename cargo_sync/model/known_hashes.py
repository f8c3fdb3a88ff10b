"""Hashes of contents that somebody else's server knows without reading them."""

from enum import StrEnum
from typing import NamedTuple


class HashKind(StrEnum):
    """How a hash is made; the values are for people."""

    BLAKE3 = "BLAKE3"
    """Ours (`local/content_hash`): a client of ours has left it there."""
    MD5 = "MD5"
    SHA1 = "SHA-1"
    MD5_OF_PARTS = "MD5 of parts"
    """The MD5 of the MD5s of all parts, "-", and how many there are: the ETag of an object that
    came in parts."""


class KnownHash(NamedTuple):
    """The hash of one file, as its server says it.

    text     hex digits in lower case
    certain  the server is known to give hashes of this kind: a file here with another one has
             another content. Else only an equal one says something
    part     of MD5_OF_PARTS: bytes of each part but the last one, if that is known; else 0
    """

    kind: HashKind
    text: str
    certain: bool = False
    part: int = 0


class Matched(NamedTuple):
    """A file that was read once: its BLAKE3 in hex, and whether it has the hash of the server."""

    hash: str
    same: bool
