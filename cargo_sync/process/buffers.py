"""Large buffers that are used again: a new one costs a tenth of what is done with its content.

On Linux the largest ones ask for huge pages: 128 MiB are there in 3 ms of CPU then, and not in 50.
"""

import mmap
import sys
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

HUGE: Final = 4 << 20
"""Bytes of a buffer from which it asks for huge pages: each of them is 2 MiB on most machines."""
_Memory = bytearray | mmap.mmap


class Buffers:
    """Gives out buffers; one is given out again when nobody has a view of it any more.

    Whoever takes a view need not give it back: memory knows itself whether it is looked at.

    Args:
        most: bytes that are kept. What is more is only there as long as somebody looks at it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept = deque[_Memory]()
        self._size = 0
        self._taken = set[int]()
        """The ids of those that were taken since `drop_idle` was called."""

    def take(self, size: int) -> memoryview:
        """A buffer of so many bytes. What is in it means nothing."""
        for buffer in self._kept:
            if len(buffer) == size and _is_free(buffer):
                self._taken.add(id(buffer))
                return memoryview(buffer)
        new = _new(size)
        self._kept.append(new)
        self._taken.add(id(new))
        self._size += size
        while self._size > self._most:
            self._size -= len(self._kept.popleft())
        return memoryview(new)

    def drop_idle(self) -> bool:
        """Drops what nobody has, or has taken since the last call; whether something is kept."""
        before, self._kept = self._kept, deque()
        while before:
            buffer = before.popleft()
            if id(buffer) in self._taken or not _is_free(buffer):
                self._kept.append(buffer)
            else:
                self._size -= len(buffer)
        self._taken.clear()
        return bool(self._kept)


class GivenMemory:
    """Gives out memory that somebody has, from its beginning to its end.

    Args:
        views: of it, one after the other.
        after: so many bytes of it are left out.
    """

    def __init__(self, views: Iterable[memoryview], after: int = 0) -> None:
        self._left = deque(view for view in views if len(view))
        while after:
            after -= len(self.take(after))

    def take(self, size: int) -> memoryview:
        """The next bytes: as many, or fewer if a view ends before."""
        view = self._left.popleft()
        taken, rest = view[:size], view[size:]
        if len(rest):
            self._left.appendleft(rest)
        return taken


def _new(size: int) -> _Memory:
    if sys.platform != "linux" or size < HUGE:
        return bytearray(size)
    new = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # the system has none
        new.madvise(mmap.MADV_HUGEPAGE)
    return new


def _is_free(buffer: _Memory) -> bool:
    """Whether nothing looks at a buffer: as long as something does, its size cannot change."""
    try:
        if isinstance(buffer, mmap.mmap):
            buffer.resize(len(buffer))
        else:
            buffer.append(0)
            buffer.pop()
    except BufferError:
        return False
    return True
