"""Checkpoints: which parts of a staged file are on disk, so that a cut transfer can continue."""

from dataclasses import dataclass
from typing import Final, NamedTuple

RESUMABLE: Final = 8 * 2**20
"""A cut transfer of a file of at least so many bytes continues where it stopped. It is quicker to
send a smaller file again. Both sides must agree: one keeps the transfer's id, the other the staged
part."""


def resumable(size: int) -> bool:
    """Whether a cut transfer of a file of `size` bytes continues where it stopped."""
    return size >= RESUMABLE


HOLE: Final = bytes(16)
"""In place of a digest: the part is a hole."""


class Span(NamedTuple):
    """A durable part [start, end) of a staged file, and the XXH3-128 of its bytes (16 bytes)."""

    start: int
    end: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A durable resume point, bound to the transfer and to the source's version.

    transfer  id of the transfer
    path      where the file will be published, relative to the staging root
    version, ident, size, mtime_ns   of the source's entry as it was offered
    spans     sorted, not overlapping; each is read and checked again before it is used
    """

    transfer: str
    path: str
    version: int
    ident: int
    size: int
    mtime_ns: int
    spans: tuple[Span, ...] = ()
