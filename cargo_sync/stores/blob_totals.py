"""How much a folder of blobs holds, and how often it has changed: one small file, written in place.

The sequence grows with each batch that was placed or removed. It is made durable with the batch, so
a folder that was brought back from an older copy shows a lower one. The numbers of blobs and bytes
are exact after a clean end. After another one they may be off by a batch; then the folder is
counted again, one of its parts at a time, while it is in use.
"""

import os
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from cargo_sync.local.root import Root
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import ProblemError, from_os_error

NAME: Final = "blobs"
PLACE: Final = f"{RESERVED}/{NAME}"
_LINE: Final = re.compile(rb"(open |ended) (\d{20}) (\d{20}) (\d{20})\n")


class BlobAmount(NamedTuple):
    """So many blobs, of so many bytes together."""

    blobs: int = 0
    bytes: int = 0


class BlobTotals:
    """The totals of one folder. Its owner holds a lock at each call.

    sequence  of the batches
    held      what the folder holds now
    is_exact  whether `held` is known to be right
    """

    def __init__(self, root: Root) -> None:
        """Reads the file, or makes it.

        Raises:
            ProblemError: it cannot be read or written.
        """
        self._root = root
        self._fd = -1
        self.sequence, self.held, self.is_exact = 0, BlobAmount(), False
        self._counted: BlobAmount | None = None
        self._before = ""
        try:
            self._fd, found = self._opened()
            if found is not None:
                state, *numbers = found.groups()
                self.sequence, blobs, size = map(int, numbers)
                self.held, self.is_exact = BlobAmount(blobs, size), state == b"ended"
            self.write()
        except OSError as error:
            self.close()
            raise ProblemError(from_os_error(error, PLACE)) from error

    def change(self, part: str, by: BlobAmount) -> None:
        """What the part `part` of the folder holds has grown by so much (or less than nothing)."""
        self.held = _sum(self.held, by)
        if self._counted is not None and part < self._before:
            self._counted = _sum(self._counted, by)

    def added(self, contents: Mapping[str, int]) -> None:
        """Contents have come, by hash, with their sizes."""
        self.held = _sum(self.held, BlobAmount(len(contents), sum(contents.values())))
        if self._counted is not None:
            sizes = [size for hash, size in contents.items() if hash[:2] < self._before]
            self._counted = _sum(self._counted, BlobAmount(len(sizes), sum(sizes)))

    def begin_count(self) -> None:
        """From now on `counted` is called for each part, in order; then `end_count`."""
        self._counted, self._before = BlobAmount(), ""

    def counted(self, part: str, after: str, amount: BlobAmount) -> None:
        """A part holds so much. `after` is the part that is counted next."""
        if self._counted is not None:
            self._counted, self._before = _sum(self._counted, amount), after

    def end_count(self) -> None:
        """All parts were counted."""
        if self._counted is not None:
            self.held, self.is_exact = self._counted, True
            self._counted = None

    def write(self, state: str = "open ") -> None:
        """Writes the file, not yet durably. Raises OSError."""
        line = f"{state} {self.sequence:020} {self.held.blobs:020} {self.held.bytes:020}\n"
        self._root.system.write(self._fd, line.encode(), 0)

    def end(self) -> None:
        """The folder is closed in order."""
        try:
            if self.is_exact:
                self.write("ended")
                self._root.system.fsync(self._fd)
        except OSError:
            return  # it is counted again
        finally:
            self.close()

    def close(self) -> None:
        """As after a kill: nothing is written."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _opened(self) -> tuple[int, re.Match[bytes] | None]:
        system = self._root.system
        with self._root.folder(RESERVED) as own:
            try:
                fd = system.reopen(own.fd, NAME)
            except FileNotFoundError:
                return system.create(own.fd, NAME), None
            return fd, _LINE.fullmatch(os.pread(fd, 256, 0))


def _sum(one: BlobAmount, other: BlobAmount) -> BlobAmount:
    return BlobAmount(max(0, one.blobs + other.blobs), max(0, one.bytes + other.bytes))
