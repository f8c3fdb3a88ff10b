"""Cover: which bytes of a wanted file have come. A file is complete when they cover it exactly,
once."""

from bisect import bisect_right
from collections.abc import Iterable

from cargo_sync.wire.messages import RANGES_MAX
from cargo_sync.wire.refusal import breach


class Cover:
    """The bytes of one file that are still missing, as sorted holes [start, end).

    Pieces may come in any order; in order, each costs the same however large the file is.
    """

    __slots__ = ("_ends", "_starts", "missing")

    def __init__(self, wanted: Iterable[tuple[int, int]]) -> None:
        """`wanted` are [start, end) pairs, sorted, not overlapping, none empty."""
        pairs = tuple(wanted)
        self._starts = [start for start, _ in pairs]
        self._ends = [end for _, end in pairs]
        self.missing = sum(self._ends) - sum(self._starts)
        """Bytes that have not come."""

    @property
    def complete(self) -> bool:
        return not self._starts

    def add(self, offset: int, length: int) -> None:
        """A piece of `length` bytes came, `offset` on.

        Raises:
            ProblemError: it is empty, not wholly wanted, or came before ("protocol").
        """
        end = offset + length
        at = bisect_right(self._starts, offset) - 1
        if length <= 0 or at < 0 or end > self._ends[at]:
            raise breach(f"bytes {offset}-{end} are not missing")
        starts, ends = self._starts, self._ends
        if starts[at] == offset:
            if ends[at] == end:
                del starts[at], ends[at]
            else:
                starts[at] = end
        elif ends[at] == end:
            ends[at] = offset
        elif len(starts) < RANGES_MAX:  # crumbs must not fill the memory
            starts.insert(at + 1, end)
            ends.insert(at, offset)
        else:
            raise breach(f"a file came in more than {RANGES_MAX} parts")
        self.missing -= length

    def holes(self) -> tuple[tuple[int, int], ...]:
        """What is missing, [start, end) pairs in order."""
        return tuple(zip(self._starts, self._ends, strict=True))
