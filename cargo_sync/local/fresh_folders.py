"""New folders whose files are staged together, and published by one rename.

A folder that was made here, and is still empty, is replaced by another one that has its files. A
rename puts a folder in the place of an empty one only: nothing is ever replaced that somebody else
put there, and for its readers the folder has all of these files or none. What belongs to a folder
itself stays as it was: mode, owner, group, access rules and other attributes are equal, or the
files are renamed one by one.

Only a folder that was made a moment ago is replaced. An older one may be empty because somebody
waits for files in it: a program that watches it would wait for ever.
"""

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

MOST: Final = 4_000
"""New folders that are remembered. Their files come soon."""
RECENT_NS: Final = 10 * 10**9
"""Age up to which a folder is new, by the clock of its file system."""


class StagedFolder(NamedTuple):
    """A folder in staging with files under their final names.

    path   the new folder's, relative to the root
    name   its own name in the staging folder
    found  the new folder, when this one was made
    """

    path: str
    name: str
    found: os.stat_result

    def replaces(self, found: os.stat_result) -> bool:
        """Whether this folder, at its path, is the new one, and nobody has touched it."""
        known = self.found
        return (found.st_dev, found.st_ino, found.st_mode, found.st_ctime_ns) == (
            known.st_dev,
            known.st_ino,
            known.st_mode,
            known.st_ctime_ns,
        )


def is_recent(made: os.stat_result, now: os.stat_result) -> bool:
    """Whether a folder was made a moment before another one, and not touched since."""
    return 0 <= now.st_ctime_ns - made.st_ctime_ns <= RECENT_NS


class FreshFolders:
    """The folders that were made here last and not used since. Several threads may use it."""

    def __init__(self) -> None:
        self._inodes: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._inodes)

    def note(self, made: Mapping[str, int]) -> None:
        """Folders were made, with these inodes; the ones above them are not empty any more."""
        inodes = self._inodes
        for path, inode in made.items():
            inodes.pop(path.rpartition("/")[0], None)
            inodes[path] = inode
        while len(inodes) > MOST:
            inodes.pop(next(iter(inodes), ""), None)

    def take(self, path: str) -> int | None:
        """The inode of the new folder at `path`, for one who puts files there; None: it is not."""
        return self._inodes.pop(path, None)
