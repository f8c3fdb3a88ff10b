"""Small contents of a spool lie in memory: on a disk each costs a file that lives for moments.

It is for a spool from which contents go on to other machines, and of which a crash may take all.
Memory is bounded: a content for which there is no room is staged in a file.
"""

import threading
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Final

from blake3 import blake3

from cargo_sync.local.parts import Staged
from cargo_sync.stores.contract import Content

LARGEST: Final = 64 << 10
"""Bytes of a content that may lie in memory."""
ROOM: Final = 32 << 20
"""Bytes of all of them."""
_EACH: Final = 512
"""What each costs beside its bytes."""
_NAME: Final = "memory "
"""What the names of these staged files begin with."""


def is_in_memory(staged: Staged) -> bool:
    """Whether a staged file is one of these."""
    return staged.name.startswith(_NAME)


class SmallContents:
    """All of them, of one spool. Any thread may use it."""

    def __init__(self, room: int = ROOM) -> None:
        self._lock = threading.Lock()
        self._can_hold = room > _EACH
        self._left = room
        self._numbers = count()
        self._staged: dict[str, bytes] = {}
        self._placed: dict[str, bytes] = {}
        self._in_files: set[str] = set()
        """Those that were placed as files meanwhile."""

    def write(self, path: str, content: memoryview) -> Staged | None:
        """Stages a file; None if it is too large, or there is no room."""
        size = len(content)
        cost = size + _EACH
        if size > LARGEST or self._left < cost:
            return None
        kept, name = bytes(content), f"{_NAME}{next(self._numbers):x}"
        with self._lock:
            if self._left < cost:
                return None
            self._left -= cost
            self._staged[name] = kept
        return Staged(path, name, 0, size, 0, blake3(kept).hexdigest(), "", True)

    def discard(self, staged: Staged) -> None:
        """A staged file is not needed."""
        with self._lock:
            self._free(self._staged.pop(staged.name, None))

    def place(self, some: Iterable[Staged]) -> None:
        """Staged files are contents now."""
        with self._lock:
            for one in some:
                content = self._staged.pop(one.name)
                if not content or one.hash in self._placed:
                    self._free(content)
                else:
                    self._placed[one.hash] = content

    def placed_in_files(self, some: Iterable[Staged]) -> None:
        """These lie on the disk, perhaps besides."""
        with self._lock:
            if self._can_hold:
                self._in_files.update(one.hash for one in some if 0 < one.size <= LARGEST)

    def get(self, content: Content) -> bytes | None:
        """The bytes of a content; None if it is not here."""
        found = self._placed.get(content.hash)
        return found if found is not None and len(found) == content.size else None

    def remove(self, hashes: Sequence[str]) -> list[str]:
        """Removes contents; returns those that may lie on the disk."""
        left = []
        with self._lock:
            for hash in hashes:
                if (found := self._placed.pop(hash, None)) is None:
                    left.append(hash)
                else:
                    self._left += len(found) + _EACH
            if self._in_files:
                left = sorted(self._in_files.intersection(hashes).union(left))
                self._in_files.difference_update(hashes)
        return left

    def _free(self, content: bytes | None) -> None:
        """The lock is held."""
        if content is not None:
            self._left += len(content) + _EACH


class SmallReader:
    """A content in memory, open. See `lanes.ports.Reader`."""

    def __init__(self, content: bytes) -> None:
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
