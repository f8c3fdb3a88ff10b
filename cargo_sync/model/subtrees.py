"""Some paths, each with everything below it: whether another path is among them.

A question costs one search, however deep the path is. So it can be asked for each path of a tree:
going up from each of them would cost the square of the depth of a chain of folders.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from cargo_sync.model import paths


class Subtrees:
    """A set of subtrees. A subtree within another one is not kept: it is in the set anyway."""

    __slots__ = ("_tops",)

    def __init__(self, some: Iterable[str] = ()) -> None:
        self._tops: list[bytes] = []
        """Their keys, sorted; none is below another one."""
        for key in sorted(map(paths.key, some)):
            if not self._tops or not _is_below(key, self._tops[-1]):
                self._tops.append(key)

    def __bool__(self) -> bool:
        return bool(self._tops)

    def __contains__(self, path: str) -> bool:
        """Whether `path` or a folder above it was added."""
        key = paths.key(path)
        before = bisect_right(self._tops, key)
        return before > 0 and _is_below(key, self._tops[before - 1])

    def add(self, path: str) -> None:
        """Adds `path` and everything below it."""
        if path not in self:
            start, end = self._within(path)
            self._tops[start:end] = [paths.key(path)]

    def meets(self, path: str) -> bool:
        """Whether `path`, or anything above or below it, was added."""
        start, end = self._within(path)
        return start < end or path in self

    def _within(self, path: str) -> tuple[int, int]:
        """[start, end) of those that are at or below `path`."""
        key = paths.key(path)
        end = bisect_left(self._tops, key + b"\1") if key else len(self._tops)
        return bisect_left(self._tops, key), end


def _is_below(key: bytes, top: bytes) -> bool:
    return not top or key == top or key.startswith(top + b"\0")
