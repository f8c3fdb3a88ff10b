"""Which parts of a file somebody fetched: a player or a download manager asks for ranges.

All ranges of one version that one user fetched from one address are one download. It is told when
the whole file was sent, or when nothing more of it was asked for in a while.
"""

from collections.abc import Hashable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

WAIT: Final = 600.0
"""Seconds after the last range until a part of a file is told."""
MOST: Final = 10_000
"""Files that are waited for; of more, the one that waits longest is told."""
RANGES: Final = 1_000
"""Ranges that are known of a file; with more it is told, and begins anew."""

KeyT = TypeVar("KeyT", bound=Hashable)


class FetchedBytes(NamedTuple, Generic[KeyT]):
    """What was fetched: so many bytes of a file, in so many seconds."""

    key: KeyT
    bytes: int
    seconds: float


class _Waiting(NamedTuple):
    spans: tuple[tuple[int, int], ...]
    seconds: float
    since: float


class FetchedParts(Generic[KeyT]):
    """The files of which a part was fetched; a key is a file in a version, and who fetched it."""

    def __init__(self) -> None:
        self._waiting: dict[KeyT, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def fetched(
        self, key: KeyT, start: int, end: int, size: int, seconds: float, now: float
    ) -> list[FetchedBytes[KeyT]]:
        """Bytes [start, end) of a file of `size` bytes were sent; returns what is to be told."""
        before = self._waiting.pop(key, _Waiting((), 0.0, now))
        spans, took = _joined(before.spans, start, end), before.seconds + seconds
        covered = sum(high - low for low, high in spans)
        if covered >= size or len(spans) > RANGES:
            return [FetchedBytes(key, covered, took)]
        self._waiting[key] = _Waiting(spans, took, now)  # the dict is in the order of `since`
        if len(self._waiting) <= MOST:
            return []
        return [self._told(next(iter(self._waiting)))]

    def overdue(self, now: float) -> list[FetchedBytes[KeyT]]:
        """What nobody has asked for in a while; it is not waited for any more."""
        return [self._told(key) for key in list(self._older(now - WAIT))]

    def all(self) -> list[FetchedBytes[KeyT]]:
        """Everything that is waited for; nothing is, after that."""
        return [self._told(key) for key in list(self._waiting)]

    def _older(self, before: float) -> Iterator[KeyT]:
        for key, one in self._waiting.items():
            if one.since > before:
                return
            yield key

    def _told(self, key: KeyT) -> FetchedBytes[KeyT]:
        one = self._waiting.pop(key)
        return FetchedBytes(key, sum(high - low for low, high in one.spans), one.seconds)


def _joined(
    spans: tuple[tuple[int, int], ...], start: int, end: int
) -> tuple[tuple[int, int], ...]:
    """The spans with [start, end), sorted, none of which touch."""
    if start >= end:
        return spans
    before = [one for one in spans if one[1] < start]
    after = [one for one in spans if one[0] > end]
    for low, high in spans[len(before) : len(spans) - len(after)]:
        start, end = min(start, low), max(end, high)
    return (*before, (start, end), *after)
