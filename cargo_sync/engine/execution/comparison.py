"""Comparison: whether two files of one size have the same content, by hashes made on each side."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Problem


class HashingSide(Protocol):
    """A side that can hash its files."""

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        """As Tree.hashes."""


class FilePair(NamedTuple):
    """One file as it is on both sides."""

    path: str
    source: Entry
    destination: Entry


class Comparison(NamedTuple):
    """The result for one file. The contents differ if there is neither a hash nor a problem.

    hash     BLAKE3 of the content, hex, if both sides have the same; else ""
    problem  why the content could not be compared
    """

    hash: str = ""
    problem: Problem | None = None


async def compare(
    source: HashingSide, destination: HashingSide, files: Sequence[FilePair]
) -> list[Comparison]:
    """Compares files by their hashes, in order.

    Raises:
        ProblemError: a side cannot be reached.
    """
    here = await source.hashes([(file.path, file.source) for file in files])
    there = await destination.hashes([(file.path, file.destination) for file in files])
    return [_compared(one, other) for one, other in zip(here, there, strict=True)]


def _compared(one: str | Problem, other: str | Problem) -> Comparison:
    if isinstance(one, Problem):
        return Comparison(problem=one)
    if isinstance(other, Problem):
        return Comparison(problem=other)
    return Comparison(one if one == other else "")
