"""Entries and listings: what one side of a job was seen to hold.

A listing is one folder's entries sorted by name. It is kept and sent as columns, one JSON array a
field: encoding costs 0.3 µs an entry instead of the 3 µs of an object each, and two listings are
equal exactly when their encodings are, so that an unchanged folder is passed by comparing two byte
strings.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import orjson

FILE: Final = "f"
FOLDER: Final = "d"
LINK: Final = "l"


class Entry(NamedTuple):
    """One name in a folder.

    name      the bare name
    kind      FILE, FOLDER or LINK
    size      bytes; 0 for folders and links
    mtime_ns  modification time, ns since 1970; 0 for folders, whose own times say nothing
    mode      permission bits (0o7777)
    version   changes whenever the content may have: ctime_ns in a local folder, the catalogue's
              sequence on a server; 0 for local folders, whose ctime changes with what is in them
    ident     survives a rename: the inode in a local folder, the entry id on a server
    hash      BLAKE3 of the content as 64 hex digits; "" while nobody has computed it
    target    what a link points to, else ""
    """

    name: str
    kind: str
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0
    version: int = 0
    ident: int = 0
    hash: str = ""
    target: str = ""

    def same_state(self, other: "Entry") -> bool:
        """True when two looks at one side saw no difference."""
        return self[1:7] == other[1:7] and self.target == other.target

    def same_face(self, other: "Entry") -> bool:
        """True when entries of *different* sides look alike: kind, size and mtime (for links the
        target)."""
        if self.kind != other.kind:
            return False
        if self.kind == LINK:
            return self.target == other.target
        return self.kind == FOLDER or (self.size == other.size and self.mtime_ns == other.mtime_ns)

    def same_mode(self, other: "Entry") -> bool:
        """True when the permission bits that are carried are the same: no setuid, setgid or
        sticky."""
        return self.mode & 0o777 == other.mode & 0o777


Listing = tuple[Entry, ...]
"""One folder's entries, sorted by name (code points, which is UTF-8's byte order)."""


def encode(listing: Listing) -> bytes:
    """One listing as bytes: a JSON array of nine columns, or `[]`."""
    return orjson.dumps(list(zip(*listing, strict=True)))


def decode(blob: bytes | None) -> Listing:
    """The listing that `encode` was given; nothing for None."""
    if not blob:
        return ()
    return tuple(map(Entry._make, zip(*orjson.loads(blob), strict=True)))


def listing(entries: Iterable[Entry]) -> Listing:
    """A listing of entries in any order."""
    return tuple(sorted(entries))
