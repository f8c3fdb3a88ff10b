"""Manifests: what a displaced folder holds, because the catalogue has forgotten it.

A part is compressed columns of up to 10,000 entries, with their paths in the folder: a folder comes
before what is in it.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

import orjson

from cargo_sync.model.entries import Entry, EntryColumns, PlacedEntries

PART: Final = 10_000
_LEVEL: Final = 1


class ManifestRows(Protocol):
    """The manifests of a workspace's trash, by the place of the version (`state.manifests`).

    Any thread may call it.
    """

    def keep(self, place: str, parts: Iterable[bytes]) -> None:
        """Writes the manifest of a version, in the transaction that displaces it."""

    def keep_tops(self, tops: Sequence[tuple[str, int, str]]) -> None:
        """Notes the mode and the link target of versions, by place, in the same transaction."""

    def top(self, place: str) -> tuple[int, str] | None:
        """The mode and the link target of a version; None if they are as usual."""

    def of(self, place: str) -> Iterator[bytes]:
        """The parts of a manifest, in order; none if there is none."""

    def drop(self, places: Sequence[str]) -> None:
        """Deletes the manifests of versions that are not in the trash any more."""

    def after(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        """Up to `limit` parts of all manifests with greater numbers, which grow."""


def encoded(entries: Iterable[tuple[str, Entry]]) -> Iterator[bytes]:
    """The parts of a manifest of these entries, by path in the folder."""
    rest = iter(entries)
    while some := list(islice(rest, PART)):
        columns = EntryColumns.of([entry for _, entry in some]).columns()
        yield zlib.compress(orjson.dumps([[path for path, _ in some], *columns]), _LEVEL)


def decoded(part: bytes) -> PlacedEntries:
    """The entries of a part, by path in the folder."""
    paths, *columns = orjson.loads(zlib.decompress(part))
    return PlacedEntries(paths, EntryColumns(*columns))
