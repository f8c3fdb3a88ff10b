"""Comparison: whether files of one size have the same content, by hashes made on each side.

What a server knows of a content by itself, such as its MD5, is compared with what a read of the
local file gives: then nothing is read there, and our own hash of the content is known all the same.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.known_hashes import HashKind, KnownHash, Matched
from cargo_sync.model.problems import Problem


class HashingSide(Protocol):
    """A side that can hash its files."""

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        """As Tree.hashes."""


class NearHashes(HashingSide, Protocol):
    """The side on this machine."""

    async def matches(
        self, items: Sequence[tuple[str, Entry, KnownHash]]
    ) -> list[Matched | Problem]:
        """As NearTree.matches."""


class FarHashes(HashingSide, Protocol):
    """The side of a server."""

    async def known_hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        """As FarTree.known_hashes."""


class FilePair(NamedTuple):
    """One file as it is on both sides."""

    path: str
    source: Entry
    destination: Entry


class SidePair(NamedTuple):
    """The same, by where the sides are."""

    path: str
    near: Entry
    far: Entry


class Hashes(NamedTuple):
    """BLAKE3 of one file on both sides, in hex, or why it cannot be known.

    far  also "": another content, of which the server's own hash says no more
    """

    near: str | Problem
    far: str | Problem


class Comparison(NamedTuple):
    """The result for one file. The contents differ if there is neither a hash nor a problem.

    hash     BLAKE3 of the content, hex, if both sides have the same; else ""
    problem  why the content could not be compared
    """

    hash: str = ""
    problem: Problem | None = None


async def compare(
    near: NearHashes, far: FarHashes, direction: Mode, files: Sequence[FilePair]
) -> list[Comparison]:
    """Compares files by their hashes, in order.

    Raises:
        ProblemError: a side cannot be reached.
    """
    if direction is Mode.UPLOAD:
        pairs = [SidePair(path, source, there) for path, source, there in files]
        return [_compared(*one) for one in await hashes_of(near, far, pairs)]
    pairs = [SidePair(path, there, source) for path, source, there in files]
    return [_compared(one.far, one.near) for one in await hashes_of(near, far, pairs)]


async def hashes_of(
    near: NearHashes, far: FarHashes, pairs: Sequence[SidePair], *, exact: bool = False
) -> Sequence[Hashes]:
    """The hashes of files on both sides, in order; as little as possible is read at the server.

    Args:
        near: this machine's side.
        far: the server's side.
        pairs: the files.
        exact: the server's files that surely differ are read there too, so `Hashes.far` is no "".

    Raises:
        ProblemError: a side cannot be reached.
    """
    known = await far.known_hashes([(one.path, one.far) for one in pairs])
    matched = await _matched(near, pairs, known)
    here: dict[int, str | Problem] = {
        number: one if isinstance(one, Problem) else one.hash for number, one in matched.items()
    }
    there: dict[int, str | Problem] = {}
    for number, one in enumerate(known):
        if one is not None and (text := _said(one, matched.get(number), exact)) is not None:
            there[number] = text
    rest = [number for number in range(len(pairs)) if number not in here]
    found = await near.hashes([(pairs[number].path, pairs[number].near) for number in rest])
    here |= zip(rest, found, strict=True)
    rest = [number for number in range(len(pairs)) if number not in there]
    found = await far.hashes([(pairs[number].path, pairs[number].far) for number in rest])
    there |= zip(rest, found, strict=True)
    return [Hashes(here[number], there[number]) for number in range(len(pairs))]


async def _matched(
    near: NearHashes, pairs: Sequence[SidePair], known: Sequence[KnownHash | None]
) -> Mapping[int, Matched | Problem]:
    """What the local files are, of which the server has a hash of its own kind; by number."""
    asked = {
        number: (pair.path, pair.near, one)
        for number, (pair, one) in enumerate(zip(pairs, known, strict=True))
        if one is not None and one.kind is not HashKind.BLAKE3
    }
    found = await near.matches(list(asked.values())) if asked else []
    return dict(zip(asked, found, strict=True))


def _said(known: KnownHash, matched: Matched | Problem | None, exact: bool) -> str | None:
    """The hash of a server's file as far as it needs no reading there; None: it must be read."""
    if matched is None:
        return known.text
    if isinstance(matched, Problem):
        return ""  # the local file cannot be read: that is the answer
    if matched.same:
        return matched.hash
    return "" if known.certain and not exact else None


def _compared(one: str | Problem, other: str | Problem) -> Comparison:
    if isinstance(one, Problem):
        return Comparison(problem=one)
    if isinstance(other, Problem):
        return Comparison(problem=other)
    return Comparison(one if one == other else "")
