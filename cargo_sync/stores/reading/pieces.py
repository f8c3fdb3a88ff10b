"""Pieces of contents on their way to readers, and how each is checked."""

from typing import NamedTuple, Protocol

from cargo_sync.lanes.ports import Exchange as Exchange
from cargo_sync.local.piece_lists import KnownList, OneDigest, PieceList
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import Content


class PieceRun(NamedTuple):
    """Pieces of one content that follow each other; a small content is one piece.

    first, pieces  which of its pieces (each of a MiB, but for the last one)
    """

    content: Content
    first: int
    pieces: int

    @property
    def numbers(self) -> range:
        """Those of its pieces."""
        return range(self.first, self.first + self.pieces)

    @property
    def start(self) -> int:
        """The offset of the first byte."""
        return self.first * PIECE

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return min(self.content.size, (self.first + self.pieces) * PIECE)


class Take(Protocol):
    """Takes pieces. It may be called in any thread."""

    def __call__(
        self, run: int, number: int, memory: memoryview | None, exchange: Exchange | None = None, /
    ) -> bool:
        """A piece has come.

        Args:
            run: the number of its run.
            number: its own one in the content.
            memory: its bytes; None: they are all zeros. It is used again after the call.
            exchange: by which its memory may be kept.

        Returns:
            False if these are not the right bytes: then no more of this run is given.
        """


def pieces_of(content: Content) -> int:
    """How many pieces a content has."""
    return -(-content.size // PIECE)


def length_of(content: Content, number: int) -> int:
    """The bytes of one piece."""
    return min(PIECE, content.size - number * PIECE)


def list_of(content: Content, listed: bytes) -> PieceList:
    """By what the pieces of a content are checked; `listed` is its list if it has more than one."""
    return OneDigest(content.hash) if content.size <= PIECE else KnownList(listed)


def is_right(content: Content, number: int, memory: memoryview | None, listed: PieceList) -> bool:
    """Whether a piece is what was stored.

    Args:
        content: of which it is.
        number: which piece.
        memory: its bytes; None: zeros.
        listed: by what it is checked.
    """
    length = length_of(content, number)
    if memory is None:
        return listed.is_hole(number, length)
    return len(memory) == length and listed.is_right(number, memory)
