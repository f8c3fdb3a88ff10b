"""Base: what both sides of a job last agreed on, per folder.

For each path it keeps the metadata of what was delivered, and the version of both sides at that
moment. A side has changed since then if its entry's (version, ident) differs from the one kept
here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from cargo_sync.model.entries import FOLDER, Entry, EntryColumns
from cargo_sync.model.transfers import Receipt

GONE: Final = -1
"""The version of a side that was seen without it. If it comes back there, it is new, also if it is
as it was: a run that was killed before it said so may have deleted it on the other side."""

ONE_SIDED: Final = -2
"""The version of a side that has deleted a folder. The other side keeps it, for what the job leaves
out there, until something comes into it."""


class Agreed(NamedTuple):
    """One name in a folder, as both sides held it.

    near_*  of the local folder (ctime_ns, inode)
    far_*   of the server (sequence, entry id)
    hash    BLAKE3 in hex, or "" for folders and links
    """

    name: str
    kind: str
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0
    near_version: int = 0
    near_ident: int = 0
    far_version: int = 0
    far_ident: int = 0
    hash: str = ""
    target: str = ""

    def near_is(self, entry: Entry) -> bool:
        """True when the local entry is still what was agreed."""
        return (
            self.kind == entry.kind
            and self.size == entry.size
            and self.mtime_ns == entry.mtime_ns
            and self.mode == entry.mode
            and self.near_version == entry.version
            and self.near_ident == entry.ident
        )

    def stays_near(self, entry: Entry) -> bool:
        """As `near_is`, for a destination: a new folder may be replaced by one with its files."""
        known = self._replace(near_ident=entry.ident) if self.kind == FOLDER else self
        return known.near_is(entry)

    @property
    def was_gone(self) -> bool:
        """Whether a side was seen without it since (GONE)."""
        return GONE in (self.near_version, self.far_version)

    @property
    def is_one_sided(self) -> bool:
        """Whether only one side has this folder, and keeps it (ONE_SIDED)."""
        return ONE_SIDED in (self.near_version, self.far_version)

    def far_is(self, entry: Entry) -> bool:
        """True when the server's entry is still what was agreed."""
        return (
            self.kind == entry.kind
            and self.far_version == entry.version
            and self.far_ident == entry.ident
        )


Base = tuple[Agreed, ...]
"""One folder's agreements, sorted by name."""


@dataclass(frozen=True, slots=True)
class AgreedColumns:
    """Agreements column by column, in lists of one length: the fields of `Agreed`."""

    names: list[str]
    kinds: list[str]
    sizes: list[int]
    times: list[int]
    modes: list[int]
    near_versions: list[int]
    near_idents: list[int]
    far_versions: list[int]
    far_idents: list[int]
    hashes: list[str]
    targets: list[str]

    @classmethod
    def of(cls, base: Base) -> "AgreedColumns":
        return cls(*map(list, zip(*base, strict=True))) if base else cls.nothing()

    @classmethod
    def nothing(cls) -> "AgreedColumns":
        return cls([], [], [], [], [], [], [], [], [], [], [])

    @classmethod
    def decode(cls, blob: bytes) -> "AgreedColumns":
        """The columns that `encode` was called on."""
        columns = orjson.loads(blob)
        return cls(*columns) if columns else cls.nothing()

    def columns(self) -> tuple[list[Any], ...]:
        """The columns, in the order of the fields."""
        return (
            self.names, self.kinds, self.sizes, self.times, self.modes, self.near_versions,
            self.near_idents, self.far_versions, self.far_idents, self.hashes, self.targets,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Agreed]:
        return map(Agreed._make, zip(*self.columns(), strict=True))

    def base(self) -> Base:
        return tuple(self)

    def encode(self) -> bytes:
        """The agreements as bytes: a JSON array of eleven columns, or `[]`."""
        return orjson.dumps(self.columns() if self.names else ())


def near_as_agreed(base: AgreedColumns, seen: EntryColumns) -> bool:
    """Whether the local side has exactly these names, and each `near_is` what was agreed."""
    return base.columns()[:7] == seen.columns()[:7]


def far_as_agreed(base: AgreedColumns, seen: EntryColumns) -> bool:
    """Whether the server has exactly these names, and each `far_is` what was agreed."""
    return (base.names, base.kinds, base.far_versions, base.far_idents) == (
        seen.names,
        seen.kinds,
        seen.versions,
        seen.idents,
    )


def near_surely_as_agreed(base: bytes, near: bytes) -> bool:
    """`near_as_agreed` of encoded listings, by one comparison of bytes; False says nothing."""
    agreed, seen = _numbers(base, 2), _numbers(near, 0)
    return agreed is not None and seen is not None and agreed[0] == seen[0]


def far_surely_as_agreed(base: bytes, far: bytes) -> bool:
    """`far_as_agreed`, likewise; False also where sizes, times or modes are not as agreed."""
    agreed, both, seen = _numbers(base, 2), _numbers(base, 4), _numbers(far, 2)
    if agreed is None or both is None or seen is None:
        return False
    return (both[0], agreed[1]) == seen


def names_surely_in(listing: bytes) -> list[str] | None:
    """The names of an encoded listing, without its other columns; None says nothing."""
    found = _numbers(listing, 5)
    return None if found is None else orjson.loads(found[0][:-1] + b"]")[0]


def _numbers(listing: bytes, count: int) -> tuple[bytes, bytes] | None:
    """The text of an encoded listing before its last `count` columns of numbers, and that of these.

    Two columns of texts follow them: hashes and targets. Such a column begins at the last "[" if as
    many quotes follow as its texts have, none of them escaped: a "[" in one of its texts has an odd
    number of quotes after it. None if that is not so, or there is a link.
    """
    targets = listing.rfind(b"[")
    names, odd = divmod(len(listing) - targets - 2, 3)
    if odd or listing[targets:] != b"[" + b'"",' * (names - 1) + b'""]]':
        return None
    start = end = listing.rfind(b"[", 0, targets)
    if b"\\" in listing[start:] or listing.count(b'"', start, targets) != 2 * names:
        return None
    for _ in range(count):
        start = listing.rfind(b"[", 0, start)
    return listing[:start], listing[start:end]


def agree(near: Entry, far: Entry, content: str = "") -> Agreed:
    """The agreement of two entries with the same content; `content` is its hash, if known."""
    return Agreed(
        near.name,
        near.kind,
        near.size,
        near.mtime_ns,
        near.mode,
        near.version,
        near.ident,
        far.version,
        far.ident,
        content or far.hash or near.hash,
        near.target,
    )


def agree_batch(
    sources: EntryColumns, receipts: Sequence[Receipt], *, upload: bool
) -> AgreedColumns:
    """The agreements about files that were moved together."""
    names, kinds, sizes, times, modes, versions, idents, known, targets = sources.columns()
    new = map(list, zip(*receipts, strict=True))
    _, new_versions, new_idents, new_times, new_modes, hashes, *_ = new
    near, far = (times, modes, versions, idents), (new_versions, new_idents)
    if not upload:
        near, far = (new_times, new_modes, new_versions, new_idents), (versions, idents)
    if not all(hashes):
        hashes = [content or before for content, before in zip(hashes, known, strict=True)]
    return AgreedColumns(names, kinds, sizes, *near, *far, hashes, targets)


def encode(base: Base) -> bytes:
    """Returns one folder's agreements as bytes, as `AgreedColumns.encode`."""
    return AgreedColumns.of(base).encode()


def decode(blob: bytes | None) -> Base:
    """Returns the agreements that `encode` was given; nothing for None."""
    return AgreedColumns.decode(blob).base() if blob else ()
