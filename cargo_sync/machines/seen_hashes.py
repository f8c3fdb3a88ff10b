"""Which hashes were seen, in little memory: none that was seen is ever taken for unseen.

A Bloom filter (Bloom, 1970: Space/time trade-offs in hash coding with allowable errors). A hash is
uniformly distributed already, so parts of it are the numbers of its bits. With `BITS` bits for each
hash, and `PARTS` of them set, about one in a hundred that was not seen counts as seen. It depends
on the turn which ones: what stays by mistake is found in another turn.
"""

from typing import Final

BITS: Final = 10
PARTS: Final = 4
_DIGITS: Final = 12
"""Hex digits of a part."""
_ALL: Final = 64
_SPARE: Final = 1_024
"""Hashes that may come while others are counted."""


class SeenHashes:
    """Hashes of 64 hex digits that were seen.

    Args:
        count: about how many will be.
        turn: grows from one filter to the next.
    """

    def __init__(self, count: int, turn: int) -> None:
        self._size = (count + _SPARE) * BITS
        self._bits = bytearray(self._size // 8 + 1)
        self._starts = [(turn * 7 + part * 13) % (_ALL - _DIGITS) for part in range(PARTS)]

    def add(self, hash: str) -> None:
        """This one was seen."""
        for start in self._starts:
            bit = int(hash[start : start + _DIGITS], 16) % self._size
            self._bits[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, hash: str) -> bool:
        """False: it was not seen. True: it was, or, rarely, it was not."""
        for start in self._starts:
            bit = int(hash[start : start + _DIGITS], 16) % self._size
            if not self._bits[bit >> 3] & (1 << (bit & 7)):
                return False
        return True
