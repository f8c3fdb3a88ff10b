"""The files that were recorded last, and those that come next.

Each file that is committed comes back as a hint of the watcher. If it is still exactly what was
recorded, the hint says nothing new: then nothing is compared with the catalogue, and the workspace
is not locked. Whatever another program does to the file or in its place changes its ctime, its
inode, its size or its times.

A folder that was made is noted too, with how many entries were recorded in it since. It is hinted
as a whole when its watch begins, and nothing is compared if it has exactly these entries. Another
folder in its place has a hint of its own: it is watched anew.
"""

import os
import stat
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from cargo_sync.catalogue.contract import Change, Put, PutColumns
from cargo_sync.local.listing import IDENT, names_in
from cargo_sync.local.root import Root
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, kept_time
from cargo_sync.model.problems import ProblemError

MOST: Final = 5_000
"""Files of a generation; there are two. Hints come soon after the files."""

PATIENCE: Final = 60.0
"""Seconds after which nobody waits any more for what comes: its disk hangs."""

_Noted = tuple[str, int, int, int, int, int]
"""What was recorded: kind, size, mtime_ns, mode, ctime_ns, inode."""


class RecordedFiles:
    """The last files that were recorded in a workspace. Several threads may use it."""

    def __init__(self) -> None:
        self._young: dict[str, _Noted] = {}
        self._old: dict[str, _Noted] = {}
        self._made: dict[str, int] = {}
        self._made_before: dict[str, int] = {}
        """Folder -> entries that were recorded in it since it was made; by generation."""

    def making(self, folders: Iterable[str]) -> None:
        """These new folders are noted next; the catalogue has nothing in them."""
        self._made.update(dict.fromkeys(folders, 0))

    def note(self, changes: Sequence[Change | PutColumns]) -> None:
        """Notes changes that are recorded now."""
        noted: dict[str, _Noted] = {}
        count = 0
        for one in changes:
            if isinstance(one, PutColumns):
                faces = one.entries
                columns = faces.kinds, faces.sizes, faces.times, faces.modes
                rows = zip(*columns, one.ctimes, one.inodes, strict=True)
                noted.update(zip(one.paths, rows, strict=True))
                count += len(one.paths)
            else:
                if isinstance(one, Put):
                    entry = one.entry
                    face = entry.kind, entry.size, entry.mtime_ns, entry.mode
                    noted[one.path] = *face, one.ctime_ns, one.inode
                count += 1
        if len(noted) != count:
            # What is gone or moved may be a folder of them.
            self._young, self._old, self._made, self._made_before = {}, {}, {}, {}
        elif len(self._young) >= MOST:
            self.age()
        if self._made or self._made_before:
            for folder, count in Counter(path.rpartition("/")[0] for path in noted).items():
                for made in (self._made, self._made_before):
                    if folder in made:
                        made[folder] += count
        self._young.update(noted)

    def age(self) -> None:
        """Forgets what was noted before the last call."""
        self._young, self._old = {}, self._young
        self._made, self._made_before = {}, self._made

    def has_made(self, folder: str) -> bool:
        """Whether a folder is a new one in which nothing was recorded since it was made."""
        return self._made.get(folder, self._made_before.get(folder)) == 0

    def folders_in(self, root: Root, folder: str) -> list[str] | None:
        """The folders in a new folder, if it has exactly what was recorded in it; else None."""
        young, old, made = self._young, self._old, self._made
        if folder not in made:
            made = self._made_before
        if folder not in made or not (folder in young or folder in old):
            return None
        try:
            with root.folder(folder) as opened:
                places = [f"{folder}/{name}" for name in names_in(opened)]
                known = [young.get(place) or old.get(place) for place in places]
                # The names come first: what is recorded after them makes a difference.
                if made.get(folder) != len(places):
                    return None
                if not all(
                    noted is not None and _is(noted, paths.name(place), opened.fd)
                    for place, noted in zip(places, known, strict=True)
                ):
                    return None
        except ProblemError:
            return None
        return [
            place
            for place, noted in zip(places, known, strict=True)
            if noted is not None and noted[0] == FOLDER
        ]

    def unlike(self, root: Root, folder: str, names: Sequence[str]) -> list[str]:
        """The names in `folder` of which it is not sure that they are as recorded."""
        young, old, prefix = self._young, self._old, folder + "/" if folder else ""
        known = [young.get(prefix + name) or old.get(prefix + name) for name in names]
        if not any(known):
            return list(names)
        try:
            with root.folder(folder) as opened:
                fd = opened.fd
                return [
                    name
                    for name, noted in zip(names, known, strict=True)
                    if noted is None or not _is(noted, name, fd)
                ]
        except ProblemError:
            return list(names)


class ArrivingPaths:
    """Paths at which files are published before they are recorded: the disk is synced in between.

    A scan leaves them for later. Whoever looks at one waits until it is recorded: else it would be
    taken for the change of another program. Several threads may use it.
    """

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._ended = threading.Condition()

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def __bool__(self) -> bool:
        return bool(self._paths)

    def add(self, *some: str) -> None:
        """These come now. One thread adds a path at a time, and does not wait for any then."""
        self._paths.update(some)

    def end(self, *some: str) -> None:
        """These are recorded, or did not come."""
        with self._ended:
            self._paths.difference_update(some)
            self._ended.notify_all()

    def wait(self, some: Iterable[str]) -> None:
        """Waits until none of these is coming; at most `PATIENCE`."""
        with self._ended:
            self._ended.wait_for(lambda: self._paths.isdisjoint(some), PATIENCE)


def _is(noted: _Noted, name: str, folder: int) -> bool:
    """Whether what is at a name of an open folder is what was recorded."""
    kind, size, mtime_ns, mode, ctime_ns, ident = noted
    try:
        found = os.lstat(name, dir_fd=folder)
    except OSError:
        return False
    if kind == FOLDER:
        return (found.st_mode, found.st_ino & IDENT) == (stat.S_IFDIR | mode, ident)
    return (
        found.st_ctime_ns == ctime_ns
        and found.st_ino & IDENT == ident
        and found.st_size == size
        and kind == FILE
        and found.st_mode == stat.S_IFREG | mode
        and (found.st_mtime_ns == mtime_ns or kept_time(found.st_mtime_ns) == mtime_ns)
    )
