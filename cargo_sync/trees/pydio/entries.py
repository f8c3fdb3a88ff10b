"""What a Pydio server says of a file, as an `Entry`.

The version is made of the MD5 and the size. A server without `meta.filehasher` knows no MD5: size
and time are left, and another content of the same size within one second looks the same.
"""

from hashlib import blake2b
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, Entry
from cargo_sync.trees.pydio.answers import PydioState

_LATEST: Final = 2**33
"""Seconds since 1970; a later time is none."""


def entry_of(path: str, state: PydioState) -> Entry:
    """The entry at a path."""
    name = paths.name(path)
    if state.folder:
        return Entry(name, FOLDER, mode=BY_UMASK, version=1)
    seconds = state.mtime if state.mtime <= _LATEST else 0
    version = version_of(state.md5 or str(seconds), state.size)
    return Entry(name, FILE, state.size, seconds * SECOND, BY_UMASK, version)


def version_of(known: str, size: int) -> int:
    """63 bits that change with each content; never 0 or 1.

    Args:
        known: the MD5 in lower case; else the time in seconds.
        size: bytes.
    """
    digest = blake2b(repr((known, size)).encode(), digest_size=8).digest()
    return max(int.from_bytes(digest) >> 1, 2)
