"""Which bytes of a wanted file have arrived.

A file is complete when every wanted byte has arrived exactly once.
"""

from bisect import bisect_right
from collections.abc import Iterable

from cargo_sync.wire.messages import RANGES_MAX
from cargo_sync.wire.refusal import breach


class Cover:
    """The bytes of one file that are still missing, as sorted holes [start, end).

    Pieces may arrive in any order. In file order, the cost per piece does not depend on the size of
    the file.
    """

    __slots__ = ("_ends", "_starts", "missing")

    def __init__(self, wanted: Iterable[tuple[int, int]]) -> None:
        """`wanted` are [start, end) pairs, sorted, not overlapping, none empty."""
        pairs = tuple(wanted)
        self._starts = [start for start, _ in pairs]
        self._ends = [end for _, end in pairs]
        self.missing = sum(self._ends) - sum(self._starts)
        """How many bytes have not arrived."""

    @property
    def complete(self) -> bool:
        return not self._starts

    def add(self, offset: int, length: int) -> None:
        """A piece of `length` bytes arrived, which begins at `offset`.

        Raises:
            ProblemError: it is empty, some of it is not wanted, or it arrived before ("protocol").
        """
        end = offset + length
        at = bisect_right(self._starts, offset) - 1
        if length <= 0 or at < 0 or end > self._ends[at]:
            raise breach(f"bytes {offset}-{end} were sent, but they are not missing")
        starts, ends = self._starts, self._ends
        if starts[at] == offset:
            if ends[at] == end:
                del starts[at], ends[at]
            else:
                starts[at] = end
        elif ends[at] == end:
            ends[at] = offset
        elif len(starts) < RANGES_MAX:  # many small pieces must not fill the memory
            starts.insert(at + 1, end)
            ends.insert(at, offset)
        else:
            raise breach(f"a file was sent in more than {RANGES_MAX} parts")
        self.missing -= length

    def holes(self) -> tuple[tuple[int, int], ...]:
        """What is missing, [start, end) pairs in order."""
        return tuple(zip(self._starts, self._ends, strict=True))
