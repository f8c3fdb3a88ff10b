"""What people did: each version that they wrote, and each file that they removed or replaced."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Side(StrEnum):
    """Where files are."""

    FOLDER = "folder"
    SERVER = "server"
    BUCKET = "bucket"


UNKNOWN: Final = "?"
"""What was removed is not known: rclone does not look."""


@dataclass(frozen=True, slots=True)
class Version:
    """A content that somebody wrote; no other has its hash.

    hash        BLAKE3
    start, end  seconds since 1970: between them it got there
    """

    hash: str
    size: int
    who: str
    side: Side
    path: str
    start: float
    end: float

    def __str__(self) -> str:
        return f"{self.path} ({self.size} bytes, {self.hash[:12]}, {self.who})"


@dataclass(frozen=True, slots=True)
class Removal:
    """A person has removed or replaced what was at a path.

    removed  the hash of what it was, or UNKNOWN
    below    the path is a folder, and all below it was meant
    """

    who: str
    side: Side
    path: str
    start: float
    end: float
    removed: str = UNKNOWN
    below: bool = False

    def covers(self, path: str) -> bool:
        """Whether a path was meant."""
        return path.startswith(f"{self.path}/") if self.below else path == self.path


@dataclass
class Diary:
    """All of it. Its methods may be called from any thread."""

    versions: dict[str, Version] = field(default_factory=dict)
    removals: list[Removal] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrote(self, version: Version) -> None:
        """Notes a version."""
        with self._lock:
            assert version.hash not in self.versions, "no content is written twice"
            self.versions[version.hash] = version

    def removed(self, removal: Removal) -> None:
        """Notes a removal."""
        with self._lock:
            self.removals.append(removal)
