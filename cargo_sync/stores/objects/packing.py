"""Which contents come together in an object, how a large one is sent, what is read at once.

All of it is decided here; nothing is done.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from cargo_sync.state.object_contents import ContentPlace
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import Content

SMALL: Final = 1 << 20
"""A content of fewer bytes comes in a pack."""
PACK: Final = 16 << 20
"""The most bytes of a pack."""
PART: Final = 8 << 20
"""Bytes of a part, but for the last one; more only if there were too many parts."""
WHOLE: Final = 16 << 20
"""A content of up to so many bytes is sent as a whole."""
FEW_PARTS: Final = 1_000
"""Swift takes no more, unless it is told otherwise."""
MOST_PARTS: Final = 10_000
"""Most servers take so many: what would need larger parts has more of them."""
LARGEST_PART: Final = 64 << 20
READ: Final = 8 << 20
"""The most bytes that are read at once,"""
GAP: Final = 64 << 10
"""with so many at most between two wanted ones that nobody wants."""


def packs(contents: Iterable[Content]) -> Iterator[Sequence[Content]]:
    """The small ones among contents, as each pack has them, in their order."""
    pack, size = list[Content](), 0
    for content in contents:
        if content.size >= SMALL:
            continue
        if size + content.size > PACK:
            yield pack
            pack, size = [], 0
        pack.append(content)
        size += content.size
    if pack:
        yield pack


def part_size(size: int) -> int:
    """The bytes of each part of a content of so many bytes: whole MiB, so pieces are whole."""
    for most in (FEW_PARTS, MOST_PARTS):
        part = max(PART, -(-size // (most * PIECE)) * PIECE)
        if part <= LARGEST_PART:
            break
    return part


class WantedBytes(NamedTuple):
    """Some bytes of a content that are wanted, and where it lies.

    asked       the number of what they were asked for
    start, end  in the content
    """

    asked: int
    place: ContentPlace
    start: int
    end: int

    @property
    def first(self) -> int:
        """Its first byte in the object."""
        return self.place.start + self.start

    @property
    def after(self) -> int:
        """The byte after its last one in the object."""
        return self.place.start + self.end


class ObjectRead(NamedTuple):
    """Bytes of one object that are read at once, and the wanted ones among them."""

    bucket: int
    key: str
    first: int
    after: int
    spans: Sequence[WantedBytes]


def merged(spans: Iterable[WantedBytes]) -> Iterator[ObjectRead]:
    """What to read, so that little is asked for and little is read in vain."""
    some = list[WantedBytes]()
    first = after = 0
    for span in sorted(spans, key=lambda one: (one.place.bucket, one.place.key, one.first)):
        if some and not (
            span.place.key == some[-1].place.key
            and span.place.bucket == some[-1].place.bucket
            and span.first - after <= GAP
            and max(after, span.after) - first <= READ
        ):
            yield ObjectRead(some[0].place.bucket, some[0].place.key, first, after, some)
            some = []
        if not some:
            first = after = span.first
        some.append(span)
        after = max(after, span.after)
    if some:
        yield ObjectRead(some[0].place.bucket, some[0].place.key, first, after, some)
