"""Entries and listings: what a scan saw on one side of a job.

A listing is one folder's entries sorted by name. It is kept and sent as columns, one JSON array per
field. This costs 0.3 µs per entry; one JSON object per entry would cost 3 µs. Two listings are
equal exactly when their encodings are equal, so an unchanged folder costs one comparison of two
byte strings. What is done with all entries of a folder alike is done with its columns: a value per
entry would cost more than to read it from the disk does.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, NamedTuple, overload

import orjson

FILE: Final = "f"
FOLDER: Final = "d"
LINK: Final = "l"

EARLIEST: Final = -(2**63)
LATEST: Final = 2**63 - 1
"""The times that listings, the catalogue and lanes can hold are between these two, in ns since
1970: 1677-09-21 to 2262-04-11. A time outside is kept, and travels, as the nearer of the two. So a
file with one of these may have another time (`is_clamped`)."""


DAMAGED: Final = "damaged"
"""In place of a server file's hash: an unclean stop of the server has damaged the file. Nobody can
read it until it is uploaded again, or restored on the server with another time or size."""


def kept_time(mtime_ns: int) -> int:
    """A time that a file system gave, as entries keep it."""
    return min(max(mtime_ns, EARLIEST), LATEST)


def is_clamped(mtime_ns: int) -> bool:
    """Whether a time, as entries keep it, may stand for another one."""
    return not EARLIEST < mtime_ns < LATEST


PERMISSIONS: Final = 0o775
"""The permission bits that are synced: no setuid, setgid or sticky, and what comes from another
side is never writable for everybody."""
BY_UMASK: Final = -1
"""A mode that was not given: the umask of the process decides."""


class Entry(NamedTuple):
    """One name in a folder.

    name      the bare name
    kind      FILE, FOLDER or LINK
    size      bytes; 0 for folders and links
    mtime_ns  modification time (`kept_time`), ns since 1970; 0 for folders, whose times are not
              synced
    mode      permission bits (0o7777); BY_UMASK on a server that keeps none
    version   changes whenever the content may have changed: ctime_ns in a local folder, the
              catalogue's sequence on a server, a digest on somebody else's; 0 for local folders,
              whose ctime changes with what is in them
    ident     survives a rename: the inode in a local folder, the entry id on a server; 0: it has
              none, and two entries without one are never the same because of that
    hash      BLAKE3 of the content as 64 hex digits; "" while it is not computed; or DAMAGED
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
        """True when two scans of the same side saw no difference."""
        return self[1:7] == other[1:7] and self.target == other.target

    def same_face(self, other: "Entry") -> bool:
        """True when entries of *different* sides look alike.

        They look alike when kind, size and mtime are the same; for links, the target.
        """
        if self.kind != other.kind:
            return False
        if self.kind == LINK:
            return self.target == other.target
        if self.kind == FOLDER:
            return True
        return self.size == other.size and self.mtime_ns == other.mtime_ns

    def same_mode(self, other: "Entry") -> bool:
        """True when the permission bits that are synced are equal, or one side does not know them.

        A server that keeps no modes gives BY_UMASK for all its entries.
        """
        if BY_UMASK in (self.mode, other.mode):
            return True
        return self.mode & PERMISSIONS == other.mode & PERMISSIONS


Listing = tuple[Entry, ...]
"""One folder's entries, sorted by name (code points, which is UTF-8's byte order)."""


@dataclass(frozen=True, slots=True)
class EntryColumns:
    """Entries column by column, in lists of one length: the fields of `Entry`."""

    names: list[str]
    kinds: list[str]
    sizes: list[int]
    times: list[int]
    modes: list[int]
    versions: list[int]
    idents: list[int]
    hashes: list[str]
    targets: list[str]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "EntryColumns":
        return cls(*map(list, zip(*entries, strict=True))) if entries else cls.nothing()

    @classmethod
    def nothing(cls) -> "EntryColumns":
        return cls([], [], [], [], [], [], [], [], [])

    @classmethod
    def decode(cls, blob: bytes) -> "EntryColumns":
        """The columns that `encode` was called on."""
        columns = orjson.loads(blob)
        return cls(*columns) if columns else cls.nothing()

    @classmethod
    def joined(cls, parts: Sequence["EntryColumns"]) -> "EntryColumns":
        """All entries of all parts, in order."""
        if len(parts) <= 1:
            return parts[0] if parts else cls.nothing()
        columns = zip(*(part.columns() for part in parts), strict=True)
        return cls(*(list(chain.from_iterable(one)) for one in columns))

    def columns(self) -> tuple[list[Any], ...]:
        """The columns, in the order of the fields."""
        return (
            self.names, self.kinds, self.sizes, self.times, self.modes, self.versions,
            self.idents, self.hashes, self.targets,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Entry]:
        return map(Entry._make, zip(*self.columns(), strict=True))

    def entry(self, index: int) -> Entry:
        return Entry._make(column[index] for column in self.columns())

    def between(self, start: int, end: int) -> "EntryColumns":
        """The entries from the index `start` on and before the index `end`."""
        return EntryColumns(*(column[start:end] for column in self.columns()))

    def listing(self) -> Listing:
        return tuple(self)

    def encode(self) -> bytes:
        """The entries as bytes: a JSON array of nine columns, or `[]`."""
        return orjson.dumps(self.columns() if self.names else ())


@dataclass(frozen=True, slots=True)
class PlacedEntries(Sequence[tuple[str, Entry]]):
    """Entries of any folders, with the path of each, by column."""

    paths: list[str]
    entries: EntryColumns

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return zip(self.paths, self.entries, strict=True)

    @overload
    def __getitem__(self, at: int) -> tuple[str, Entry]: ...

    @overload
    def __getitem__(self, at: slice) -> "PlacedEntries": ...

    def __getitem__(self, at: int | slice) -> "tuple[str, Entry] | PlacedEntries":
        if isinstance(at, slice):
            start, end, _ = at.indices(len(self))
            return PlacedEntries(self.paths[start:end], self.entries.between(start, end))
        return self.paths[at], self.entries.entry(at)


def encode(listing: Listing) -> bytes:
    """Returns a listing as bytes, as `EntryColumns.encode`."""
    return EntryColumns.of(listing).encode()


def decode(blob: bytes | None) -> Listing:
    """Returns the listing that `encode` was given; an empty one for None."""
    return EntryColumns.decode(blob).listing() if blob else ()


def listing(entries: Iterable[Entry]) -> Listing:
    """Returns the listing of entries that come in any order."""
    return tuple(sorted(entries))
