"""Pieces of contents on their way from a node, and how each is checked."""

from collections.abc import Callable
from typing import NamedTuple

from blake3 import blake3

from cargo_sync.stores.blob_pieces import DIGEST, PIECE, zeros_digest
from cargo_sync.stores.contract import Content


class PieceRun(NamedTuple):
    """Pieces of one content that follow each other; a small content is one piece.

    first, pieces  which of its pieces (each of a MiB, but for the last one)
    """

    content: Content
    first: int
    pieces: int

    @property
    def start(self) -> int:
        """The offset of the first byte."""
        return self.first * PIECE

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return min(self.content.size, (self.first + self.pieces) * PIECE)


Take = Callable[[int, int, memoryview | None], bool]
"""Called with a piece: the number of its run, its own number in the content, its bytes (None: they
are all zeros), whose memory is used again after the call. It may be called in any thread, and
returns False if these are not the right ones: then no more of this run is given."""


def pieces_of(content: Content) -> int:
    """How many pieces a content has."""
    return -(-content.size // PIECE)


def length_of(content: Content, number: int) -> int:
    """The bytes of one piece."""
    return min(PIECE, content.size - number * PIECE)


def is_right(content: Content, number: int, memory: memoryview | None, listed: bytes) -> bool:
    """Whether a piece is what was stored.

    Args:
        content: of which it is.
        number: which piece.
        memory: its bytes; None: zeros.
        listed: the list of a content of more than one piece.
    """
    if content.size <= PIECE:
        expected = bytes.fromhex(content.hash)
    else:
        expected = listed[number * DIGEST : (number + 1) * DIGEST]
    length = length_of(content, number)
    if memory is None:
        return zeros_digest(length) == expected
    return len(memory) == length and blake3(memory).digest() == expected
