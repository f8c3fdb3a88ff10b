"""Large buffers that are used again: a new one costs a tenth of what is done with its content."""

from typing import Final

KEPT: Final = 8
"""Buffers that are kept of one user, at most."""


class Buffers:
    """Gives out buffers; one is given out again when nobody has a view of it any more.

    Whoever takes a view need not give it back: a bytearray knows itself whether it is looked at.
    """

    def __init__(self) -> None:
        self._kept: list[bytearray] = []

    def take(self, size: int) -> memoryview:
        """A buffer of so many bytes. What is in it means nothing."""
        for buffer in self._kept:
            if len(buffer) == size and _is_free(buffer):
                return memoryview(buffer)
        new = bytearray(size)
        self._kept = [*self._kept[1 - KEPT :], new]
        return memoryview(new)


def _is_free(buffer: bytearray) -> bool:
    """Whether nothing looks at a buffer: as long as something does, it cannot grow."""
    try:
        buffer.append(0)
    except BufferError:
        return False
    buffer.pop()
    return True
