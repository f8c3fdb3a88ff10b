"""The files that were recorded last.

Each file that is committed comes back as a hint of the watcher. If it is still exactly what was
recorded, the hint says nothing new: then nothing is compared with the catalogue, and the workspace
is not locked. Whatever another program does to the file or in its place changes its ctime, its
inode, its size or its times.

A folder that was made is noted too. Another one in its place has a hint of its own: it is watched
anew.
"""

import os
import stat
from collections.abc import Sequence
from typing import Final

from cargo_sync.catalogue.contract import Change, Put
from cargo_sync.local.listing import inode
from cargo_sync.local.root import Root
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, kept_time
from cargo_sync.model.problems import ProblemError

MOST: Final = 5_000
"""Files of a generation; there are two. Hints come soon after the files."""


class RecordedFiles:
    """The last files that were recorded in a workspace. Several threads may use it."""

    def __init__(self) -> None:
        self._young: dict[str, Put] = {}
        self._old: dict[str, Put] = {}

    def note(self, changes: Sequence[Change]) -> None:
        """Notes changes that are recorded now."""
        puts = {one.path: one for one in changes if isinstance(one, Put)}
        if len(puts) != len(changes):
            self._young, self._old = {}, {}  # what is gone or moved may be a folder of them
        elif len(self._young) >= MOST:
            self.age()
        self._young.update(puts)

    def age(self) -> None:
        """Forgets what was noted before the last call."""
        self._young, self._old = {}, self._young

    def unlike(self, root: Root, folder: str, names: Sequence[str]) -> list[str]:
        """The names in `folder` of which it is not sure that they are as recorded."""
        young, old, prefix = self._young, self._old, folder + "/" if folder else ""
        known = [(name, young.get(prefix + name) or old.get(prefix + name)) for name in names]
        if not any(put for _, put in known):
            return list(names)
        try:
            with root.folder(folder) as opened:
                return [name for name, put in known if put is None or not _is(put, opened.fd)]
        except ProblemError:
            return list(names)


def _is(put: Put, folder: int) -> bool:
    """Whether what is at a name is what was recorded."""
    entry = put.entry
    try:
        found = os.lstat(paths.name(put.path), dir_fd=folder)
    except OSError:
        return False
    if entry.kind == FOLDER:
        return (found.st_mode, inode(found)) == (stat.S_IFDIR | entry.mode, put.inode)
    return entry.kind == FILE and (
        found.st_size,
        kept_time(found.st_mtime_ns),
        found.st_mode,
        found.st_ctime_ns,
        inode(found),
    ) == (entry.size, entry.mtime_ns, stat.S_IFREG | entry.mode, put.ctime_ns, put.inode)
