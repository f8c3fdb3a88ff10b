"""Parts of a content, and the lists by which they are known again (`local.piece_lists`).

A part is whole pieces, but for the content's last one.
"""

from collections.abc import Mapping
from typing import Final

from cargo_sync.local.piece_lists import KEY, ListForm, form_of
from cargo_sync.state.object_uploads import ComingPart
from cargo_sync.stores.blob_pieces import PIECE

_HEAD: Final = 1 + KEY


def listed(form: ListForm, entries: Mapping[int, bytes], start: int, length: int) -> bytes:
    """The list of a part's pieces.

    Args:
        form: of the entries.
        entries: of pieces of the content, by their number.
        start: of the part, in the content.
        length: of the part.
    """
    numbers = range(start // PIECE, -(-(start + length) // PIECE))
    return form.head + b"".join(entries[number] for number in numbers)


def is_part(part: ComingPart, start: int, content: memoryview) -> bool:
    """Whether this is all of a part, which begins at `start` of the content."""
    return len(content) == part.length and is_in_part(part, start, start, content)


def is_in_part(part: ComingPart, start: int, offset: int, content: memoryview) -> bool:
    """Whether this is what the part has from `offset` of the content on, in whole pieces."""
    form = form_of(len(part.pieces), part.pieces[:_HEAD])
    head, width = len(form.head), form.width
    for at in range(0, len(content), PIECE):
        piece = content[at : at + PIECE]
        number = (offset + at) // PIECE
        entry = head + (number - start // PIECE) * width
        if not form.is_right(number, piece, part.pieces[entry : entry + width]):
            return False
    return True
