"""Reading a blob so that nothing rotten leaves: each piece is checked before it is given out.

A blob of up to a MiB is read and hashed as a whole. Beside a larger one lies its list
(`local.piece_lists`). It is made while the blob arrives (`content_hash.ListedHash`), or else from
the staged file.
"""

import errno
import os
from collections.abc import Callable, Generator
from typing import Final

from cargo_sync.local import piece_lists, sparse
from cargo_sync.local.content_hash import ContentHash
from cargo_sync.local.piece_lists import DIGESTS, PieceList
from cargo_sync.local.read import Going, always
from cargo_sync.model.problems import Code, Problem, ProblemError

PIECE: Final = piece_lists.PIECE
"""Bytes that are checked together; a blob of no more has no list."""

Doubt = Callable[[int], None]
"""Told that a piece of an open blob (a descriptor) is not as its list says, or cannot be read. All
of it is read. It returns if the content is right after all, and the list was made again. Otherwise
it raises ProblemError: `damaged`, and the blob was moved aside."""


def damaged(path: str, words: str) -> ProblemError:
    """What is kept is not what was stored."""
    hint = "another copy of it is used and put in its place, if there is one"
    return ProblemError(Problem(Code.DAMAGED, f"{path!r} {words}", path, hint, retry=False))


def summed(fd: int, size: int, going: Going = always) -> tuple[str, bytes]:
    """The hash of an open file of `size` bytes, and its list ("" for one that needs none).

    Raises:
        OSError: it cannot be read, or is shorter.
        ProblemError: `stopped`, because `going` said so.
    """
    reading = summing(fd, size)
    while going():
        try:
            next(reading)
        except StopIteration as end:
            found: tuple[str, bytes] = end.value
            return found
    raise ProblemError(Problem(Code.STOPPED, "reading it was stopped"))


def summing(fd: int, size: int) -> Generator[int, None, tuple[str, bytes]]:
    """As `summed`, a piece at a time: gives out how many bytes it reads next. Raises OSError."""
    whole, pieces = ContentHash(), bytearray()
    buffer = memoryview(bytearray(min(PIECE, max(1, size))))
    has_holes = sparse.holes_of(os.fstat(fd)) > 0
    for start in range(0, size, PIECE):
        end = min(start + PIECE, size)
        yield end - start
        if has_holes and sparse.extent(fd, start, end) == (end, True):
            whole.zeros(end - start)
            pieces += DIGESTS.of_hole(end - start)
            continue
        part = buffer[: end - start]
        fill(fd, part, start)
        whole.update(part)
        if size > PIECE:
            pieces += DIGESTS.of(start // PIECE, part)
    return whole.hexdigest(), bytes(pieces) if size > PIECE else b""


def fill(fd: int, view: memoryview, offset: int) -> None:
    """Reads from `offset` until `view` is full. Raises OSError, also if the file ends before."""
    done = 0
    while done < len(view):
        got = os.preadv(fd, [view[done:]], offset + done)
        if not got:
            raise OSError(errno.EIO, "the file is shorter than it was")
        done += got


class BlobReader:
    """One open blob; `close` is called exactly once. See `lanes.ports.Reader`.

    It stays readable when the blob is removed or replaced meanwhile.
    """

    def __init__(self, fd: int, size: int, listed: PieceList, doubt: Doubt) -> None:
        self._fd = fd
        self._size = size
        self._listed = listed
        self._doubt = doubt
        self._has_holes = sparse.holes_of(os.fstat(fd)) > 0
        self._piece = -1
        self._buffer = memoryview(b"")
        """The last piece of which only a part was asked for."""

    def read_into(self, view: memoryview, offset: int) -> int:
        """Reads from `offset` into `view`; fewer bytes than fit only at the end of the blob.

        Raises:
            ProblemError: `damaged`: a piece is not what was stored, or cannot be read.
        """
        done = 0
        total = max(0, min(len(view), self._size - offset))
        while done < total:
            number, start = divmod(offset + done, PIECE)
            length = min(PIECE, self._size - number * PIECE)
            if not start and total - done >= length:
                self._check(number, view[done : done + length])
                done += length
                continue
            if self._piece != number:
                buffer = memoryview(bytearray(length))
                self._check(number, buffer)
                self._piece, self._buffer = number, buffer
            part = self._buffer[start : start + total - done]
            view[done : done + len(part)] = part
            done += len(part)
        return done

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        """What is at `offset`: up to where it is the same, at most `until`; whether it is a hole.

        A hole is believed only where the list says that there are zeros.

        Raises:
            ProblemError: `damaged`.
        """
        if not self._has_holes:
            return until, False
        try:
            end, is_hole = sparse.extent(self._fd, offset, until)
        except OSError:
            return until, False  # reading it says why
        if not is_hole:
            return end, False
        number, inside = divmod(offset, PIECE)
        checked = offset
        while not inside and checked < end:
            after = min((number + 1) * PIECE, self._size)
            if after > end or not self._listed.is_hole(number, after - checked):
                break
            number, checked = number + 1, after
        if checked > offset:
            return checked, True
        return min(until, (number + 1) * PIECE), False

    def unchanged(self) -> bool:
        """A blob never changes; each piece is checked when it is read."""
        return True

    def close(self) -> None:
        os.close(self._fd)

    def _check(self, number: int, view: memoryview) -> None:
        """Reads a piece, if it is what was stored. Raises ProblemError."""
        if not self._is_right(number, view):
            self._doubt(self._fd)
            self._listed.forget()
            if not self._is_right(number, view):
                raise damaged("it", "cannot be read twice alike")

    def _is_right(self, number: int, view: memoryview) -> bool:
        try:
            fill(self._fd, view, number * PIECE)
        except OSError:
            return False
        return self._listed.is_right(number, view)


class PlainReader:
    """An open blob of which nothing is checked. See `lanes.ports.Reader`."""

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self._size = size
        self._has_holes = sparse.holes_of(os.fstat(fd)) > 0

    def read_into(self, view: memoryview, offset: int) -> int:
        part = view[: max(0, self._size - offset)]
        try:
            fill(self._fd, part, offset)
        except OSError as error:
            raise damaged("it", f"cannot be read: {error.strerror or error}") from error
        return len(part)

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        try:
            return sparse.extent(self._fd, offset, until) if self._has_holes else (until, False)
        except OSError:
            return until, False  # reading it says why

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        os.close(self._fd)


class BytesReader:
    """Bytes that are in memory, open."""

    def __init__(self, content: memoryview) -> None:
        self._content = content

    def read_into(self, view: memoryview, offset: int) -> int:
        part = self._content[offset : offset + len(view)]
        view[: len(part)] = part
        return len(part)

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        return until, False

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


class EmptyReader:
    """The content of no bytes, open."""

    def read_into(self, view: memoryview, offset: int) -> int:
        return 0

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        return until, False

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""
