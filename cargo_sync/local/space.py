"""Space on disks: what is free, what stays free, and what is reserved for files on their way.

Several jobs, workspaces and sessions may receive files on one file system at the same time. They
share one ledger, so that the same free bytes are not promised to two of them. A file reserves only
the bytes that are still missing, and gives them back as it is written.
"""

import os
import threading
from collections.abc import Mapping
from typing import Final, NamedTuple

from cargo_sync.local.root import Root
from cargo_sync.model.problems import ProblemError, from_os_error

RESERVE: Final = 64 * 2**20
"""Bytes that stay free for other programs, at most; on the disk with our own state, always."""
PARTS: Final = 50
"""At most one part of so many of a volume stays free."""


TOGETHER: Final = 2**16
"""Bytes that are given back at once: most files are small."""


class FreeSpace(NamedTuple):
    """The bytes of a file system.

    free      a program of our user may still write so many
    stays     so many of them are not used
    reserved  so many of them belong to files on their way
    """

    free: int
    stays: int
    reserved: int

    @property
    def left(self) -> int:
        """Bytes that a further file may have."""
        return max(0, self.free - self.stays - self.reserved)


class Shortage(NamedTuple):
    """A file for which there is no room: the bytes it needs, and those that are left."""

    needed: int
    left: int


class _Reserved:
    """What is reserved on one file system.

    lock  held while it is asked what is free: one per file system, so that a disk that hangs does
          not delay the others
    """

    __slots__ = ("bytes", "lock")

    def __init__(self) -> None:
        self.bytes = 0
        self.lock = threading.Lock()

    def give_back(self, count: int) -> None:
        """So many bytes are not reserved any more."""
        with self.lock:
            self.bytes -= count


class Reservation:
    """The bytes that belong to some files, by number, until they are written or given up."""

    __slots__ = ("_bytes", "_ledger", "_reserved", "_root", "_spare")

    def __init__(self, ledger: "SpaceLedger", root: Root, reserved: _Reserved) -> None:
        self._ledger = ledger
        self._root = root
        self._reserved = reserved
        self._bytes: dict[int, int] = {}
        self._spare = 0

    def take(self, sizes: Mapping[int, int]) -> dict[int, Shortage]:
        """Reserves bytes for files, in order.

        Returns:
            The files for which there is no room.

        Raises:
            ProblemError: the disk does not say what is free; nothing is reserved.
        """
        taken, short = self._ledger.take(self._root, sizes)
        self._bytes |= taken
        return short

    def wrote(self, file: int, count: int) -> None:
        """`count` bytes of a file are written: the disk itself counts them from now on."""
        held = self._bytes.get(file, 0)
        back = min(count, held)
        self._bytes[file] = held - back
        self._give_back(back)

    def end(self, file: int) -> None:
        """A file is complete, or was given up."""
        self._give_back(self._bytes.pop(file, 0))

    def close(self) -> None:
        """Ends all files."""
        self._give_back(sum(self._bytes.values()), at_least=0)
        self._bytes.clear()

    def _give_back(self, count: int, at_least: int = TOGETHER) -> None:
        self._spare += count
        if self._spare >= at_least:
            self._reserved.give_back(self._spare)
            self._spare = 0


class SpaceLedger:
    """What is reserved on each file system; one per process. Several threads may use it.

    File systems are told apart by the device number of the root. Parts of one pool with their own
    numbers, such as the subvolumes of btrfs, are counted apart.
    """

    def __init__(self, state: str | None = None) -> None:
        """`state` is a path on the file system of our own state, which always keeps RESERVE."""
        self._state = None if state is None else os.stat(state).st_dev
        self._reserved: dict[int, _Reserved] = {}

    def space(self, root: Root) -> FreeSpace:
        """The bytes of the file system of `root` now. Raises ProblemError."""
        return self._look(root)[0]

    def reservation(self, root: Root) -> Reservation:
        """A reservation below `root`, with no bytes yet."""
        return Reservation(self, root, self._of(root))

    def take(
        self, root: Root, sizes: Mapping[int, int]
    ) -> tuple[dict[int, int], dict[int, Shortage]]:
        """For reservations: the bytes that each file has now, and the files without room."""
        taken: dict[int, int] = {}
        short: dict[int, Shortage] = {}
        reserved = self._of(root)
        with reserved.lock:
            space, block = self._look(root)
            left = space.left
            needs = {file: -(-size // block) * block for file, size in sizes.items()}
            if (total := sum(needs.values())) <= left:
                taken, left = needs, left - total
            else:
                for file, needed in needs.items():
                    if needed > left:
                        short[file] = Shortage(sizes[file], left)
                    else:
                        taken[file] = needed
                        left -= needed
            reserved.bytes += space.left - left
        return taken, short

    def _of(self, root: Root) -> _Reserved:
        return self._reserved.setdefault(root.device, _Reserved())

    def _look(self, root: Root) -> tuple[FreeSpace, int]:
        """The bytes, and how many of them make a block."""
        try:
            volume = root.system.volume(root.fd)
        except OSError as error:
            raise ProblemError(from_os_error(error, root.path)) from error
        stays = RESERVE if root.device == self._state else min(RESERVE, volume.size // PARTS)
        space = FreeSpace(volume.free, stays, self._of(root).bytes)
        return space, max(1, volume.block)
