"""Packets: small contents that go together, one after the other, as if they were one content.

A packet is named by what is in it: the hashes, then their sizes. So a node needs to know nothing of
it before, and hundreds of small files cost one request, one record and one receipt, both ways.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from cargo_sync.model.contents import are_hashes
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, rows
from cargo_sync.stores.contract import Content

SMALL: Final = 64 << 10
"""Contents of up to so many bytes come in packets."""
PACKET_BYTES: Final = 256 << 10
"""A packet with so many bytes gets no further content: it fills a frame."""
PACKET_CONTENTS: Final = 500
_DIGITS: Final = 64
_SIZES: Final = ":"
_SIZE_TEXT: Final = b"0123456789,"


def packed(contents: Sequence[Content]) -> Iterator[Sequence[Content]]:
    """What each packet has of some small contents, in their order."""
    start = size = 0
    for number, content in enumerate(contents):
        if size >= PACKET_BYTES or number - start == PACKET_CONTENTS:
            yield contents[start:number]
            start, size = number, 0
        size += content.size
    if start < len(contents):
        yield contents[start:]


def as_content(packet: Sequence[Content]) -> Content:
    """By which name a packet is asked for, and its bytes."""
    hashes, sizes = zip(*packet, strict=True)
    return Content(f"{''.join(hashes)}{_SIZES}{','.join(map(str, sizes))}", sum(sizes))


def offer_of(packet: Content) -> Offer:
    """How a packet is offered to a node that takes packets."""
    return Offer(packet.hash, packet.size, 0, 0, 1, 1, "")


def is_packet(name: str) -> bool:
    """Whether this is meant as the name of a packet: the hash of one content never is."""
    return _SIZES in name


def contents_of(name: str, size: int) -> list[Content]:
    """The contents of a packet of so many bytes, from a name that somebody else has made.

    Raises:
        ProblemError: `bad_request`.
    """
    hashes, _, texts = name.partition(_SIZES)
    sizes = _numbers(texts)
    if (
        len(sizes) > PACKET_CONTENTS
        or len(hashes) != len(sizes) * _DIGITS
        or not are_hashes(hashes)
        or min(sizes) < 1
        or max(sizes) > SMALL
        or sum(sizes[:-1]) >= PACKET_BYTES
        or sum(sizes) != size
    ):
        message = f"{name[:80]!r} does not name small contents and their sizes"
        raise ProblemError(Problem(Code.BAD_REQUEST, message, retry=False))
    starts = range(0, len(hashes), _DIGITS)
    return rows(Content, ([hashes[start : start + _DIGITS] for start in starts], sizes))


def _numbers(text: str) -> list[int]:
    """Sizes with commas between them; [0] if they are none."""
    if text.encode(errors="replace").translate(None, _SIZE_TEXT):
        return [0]
    try:
        return list(map(int, text.split(",", PACKET_CONTENTS)))
    except ValueError:  # nothing is between two commas, or it is longer than any number
        return [0]
