"""Where a large folder is cut into parts.

About every thousandth name begins a part; which one, nearly always only the name itself decides. So
a part stays the same when names come or go elsewhere in the folder, and every scan cuts alike.
"""

from collections.abc import Sequence
from typing import Final
from zlib import crc32

MOST: Final = 2_000
"""A folder with more names is cut."""
SIZE: Final = 1_024
"""Names of a part, on average."""
LONG: Final = 2 * SIZE
"""In a part that has more names already, one of `FEWER` begins the next part."""
FEWER: Final = 64
LONGEST: Final = 4 * SIZE
"""A part never has more names; only chosen names get here."""


def cuts(names: Sequence[str]) -> list[int]:
    """The indices in `names` (sorted) at which parts begin; the first one is 0.

    No part begins with a name that is not valid text.
    """
    starts = [0]
    begun = 0
    for index, name in enumerate(names):
        try:
            number = crc32(name.encode())
        except UnicodeEncodeError:
            continue
        length = index - begun
        if (number % SIZE == 0 and length) or (
            length >= LONG and (number % FEWER == 0 or length >= LONGEST)
        ):
            starts.append(index)
            begun = index
    return starts
