"""Holes: ranges of a file that take no room on the disk and are read as zeros.

What the system says about holes is only believed to save work: a file system that knows none says
that all is data.
"""

import errno
import os
from collections.abc import Callable
from typing import Final

SPARSE_FROM: Final = 64 << 10
"""A smaller file is read as a whole; and a shorter hole within data, as zeros."""
PIECE: Final = 2**20
"""Data is looked for so far ahead."""

_BLOCK: Final = 512
"""Bytes of `st_blocks`, on each file system."""
_SEEK_DATA: Final[int | None] = getattr(os, "SEEK_DATA", None)
_SEEK_HOLE: Final[int | None] = getattr(os, "SEEK_HOLE", None)


def holes_of(found: os.stat_result) -> int:
    """How many bytes of a file are holes, at least; 0 for nearly all files."""
    if found.st_size < SPARSE_FROM:
        return 0
    return max(0, found.st_size - found.st_blocks * _BLOCK)


def extent(fd: int, offset: int, until: int) -> tuple[int, bool]:
    """What is at `offset` of a file: up to where it is the same, and whether it is a hole.

    Nothing beyond `until` is looked at, and of data no more than a MiB. Raises OSError.
    """
    data = next_data(fd, offset, until)
    if data == until or data - offset >= SPARSE_FROM:
        return data, True
    until = min(until, offset + PIECE)
    at = data
    while at < until:
        hole = _found(fd, at, until, _SEEK_HOLE, nothing=until)
        at = next_data(fd, hole, until)
        if at - hole >= SPARSE_FROM:
            return hole, False
    return until, False


def next_data(fd: int, offset: int, until: int) -> int:
    """Where data begins, from `offset` on; `until` if there is none before. Raises OSError."""
    return _found(fd, offset, until, _SEEK_DATA, nothing=offset) if offset < until else until


def blank(fd: int, start: int, end: int, write: Callable[[int, bytes, int], None]) -> None:
    """Makes the bytes [start, end) of a file zeros; what is a hole already stays one.

    `write` writes bytes at an offset. Raises OSError.
    """
    end = min(end, os.fstat(fd).st_size)
    while (start := next_data(fd, start, end)) < end:
        part = min(_found(fd, start, end, _SEEK_HOLE, nothing=end), start + PIECE)
        write(fd, bytes(part - start), start)
        start = part


def is_blank(fd: int, start: int, end: int) -> bool:
    """Whether the bytes [start, end) of a file are there and are zeros. Raises OSError."""
    if end > os.fstat(fd).st_size:
        return False
    while (start := next_data(fd, start, end)) < end:
        part = min(_found(fd, start, end, _SEEK_HOLE, nothing=end), start + PIECE)
        content = os.pread(fd, part - start, start)
        if not content or content.count(0) != len(content):
            return False
        start += len(content)
    return True


def _found(fd: int, offset: int, until: int, whence: int | None, *, nothing: int) -> int:
    """Where lseek(2) finds what `whence` means; `nothing` if the system cannot say it."""
    if whence is None:
        return nothing
    try:
        return min(os.lseek(fd, offset, whence), until)
    except OSError as error:
        if error.errno == errno.ENXIO:  # only the end of the file is there
            return until
        if error.errno in (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):
            return nothing
        raise
