"""Base: what both sides of a job last agreed on, per folder.

For each path it keeps the metadata of what was delivered, and the version of both sides at that
moment. A side has changed since then if its entry's (version, ident) differs from the one kept
here.
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from cargo_sync.model.entries import Entry, Listing
from cargo_sync.model.transfers import Receipt


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

    def far_is(self, entry: Entry) -> bool:
        """True when the server's entry is still what was agreed."""
        return (
            self.kind == entry.kind
            and self.far_version == entry.version
            and self.far_ident == entry.ident
        )


Base = tuple[Agreed, ...]
"""One folder's agreements, sorted by name."""


def near_as_agreed(base: Base, listing: Listing) -> bool:
    """Whether the local side has exactly these names, and each `near_is` what was agreed."""
    return len(base) == len(listing) and _columns(base, 0, 7) == _columns(listing, 0, 7)


def far_as_agreed(base: Base, listing: Listing) -> bool:
    """Whether the server has exactly these names, and each `far_is` what was agreed."""
    return (
        len(base) == len(listing)
        and _columns(base, 0, 2) == _columns(listing, 0, 2)
        and _columns(base, 7, 9) == _columns(listing, 5, 7)
    )


def _columns(rows: Base | Listing, first: int, end: int) -> list[tuple[object, ...]]:
    return list(zip(*rows, strict=True))[first:end]


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
    sources: Sequence[Entry], receipts: Sequence[Receipt], *, upload: bool
) -> list[Agreed]:
    """The agreements about files that were moved together; made by column, as there are many."""
    names, kinds, sizes, times, modes, versions, idents, known, targets = zip(*sources, strict=True)
    _, new_versions, new_idents, new_times, new_modes, hashes, *_ = zip(*receipts, strict=True)
    near, far = (times, modes, versions, idents), (new_versions, new_idents)
    if not upload:
        near, far = (new_times, new_modes, new_versions, new_idents), (versions, idents)
    contents = [content or before for content, before in zip(hashes, known, strict=True)]
    rows = zip(names, kinds, sizes, *near, *far, contents, targets, strict=True)
    return list(map(Agreed._make, rows))


def encode(base: Base) -> bytes:
    """Returns one folder's agreements as bytes: a JSON array of eleven columns, or `[]`."""
    return orjson.dumps(list(zip(*base, strict=True)))


def decode(blob: bytes | None) -> Base:
    """Returns the agreements that `encode` was given; nothing for None."""
    if not blob:
        return ()
    return tuple(map(Agreed._make, zip(*orjson.loads(blob), strict=True)))
