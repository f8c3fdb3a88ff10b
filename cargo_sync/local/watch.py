"""Watching: hints that it is time to scan. They may be incomplete; only a scan finds everything.

On Linux we read inotify ourselves (`inotify` says why); on other systems watchdog does it.
"""

import errno
import os
import sys
from collections.abc import Callable
from typing import Final, Protocol

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from cargo_sync.local.file_systems import tells_all
from cargo_sync.local.inotify import MOST, Inotify
from cargo_sync.local.watched import ChangedFolders, WatchedTree
from cargo_sync.model import paths
from cargo_sync.model.problems import Code, Problem

Hint = Callable[[ChangedFolders], None]
"""Called in another thread with the folders in which something changed; None: not known where."""

_EVENTS: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent,
    DirCreatedEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip
"""Without "opened" and "closed without a write": our own reads cause those."""


class _Watcher(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


def native() -> Inotify | None:
    """The system's own watcher, shared by all watched trees of a process; None if unknown."""
    return Inotify() if sys.platform == "linux" else None


class Watch:
    """One watched tree.

    inotify  the system's own watcher; None: watchdog is used
    """

    def __init__(self, path: str, on_hint: Hint, inotify: Inotify | None) -> None:
        self._path = os.path.abspath(path)
        self._on_hint = on_hint
        self._inotify = inotify
        self._watcher: _Watcher | None = None
        self._tells_all = False

    def start(self) -> Problem | None:
        """Begins to watch; returns a problem if not all of it can be watched.

        Then the caller scans at intervals, and hints come from the part that is watched.
        """
        watcher: _Watcher = (
            _Native(self._inotify, self._path, self._on_hint)
            if self._inotify is not None
            else _Observed(self._path, self._on_hint)
        )
        try:
            watcher.start()
        except OSError as error:
            return _problem(error, self._path)
        self._watcher = watcher
        if isinstance(watcher, _Native) and not watcher.complete:
            return _problem(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), self._path)
        self._tells_all = tells_all(self._path)
        return None

    @property
    def watching(self) -> bool:
        """Whether it watches at least a part of the tree."""
        return self._watcher is not None

    @property
    def complete(self) -> bool:
        """Whether each change in the tree is hinted."""
        return self._tells_all and isinstance(self._watcher, _Native) and self._watcher.complete

    @property
    def ended(self) -> bool:
        """Whether the folder was moved, deleted or unmounted. Another one there is not watched.

        Not every system tells it.
        """
        return isinstance(self._watcher, _Native) and self._watcher.ended

    def take_over(self, path: str, place: str) -> bool:
        """Watches a folder at `place` that is about to be renamed to `path`, below the root.

        Nobody else may know the folder yet. Then its arrival is hinted for the folder above only.

        Returns:
            Whether it is watched; always False where the system's own watcher is unknown.
        """
        watcher = self._watcher
        return isinstance(watcher, _Native) and watcher.take_over(path, place)

    def not_taken(self, path: str) -> set[str]:
        """The folder was not renamed: what is at `path` is watched again.

        Returns:
            The folders in which something may have changed unseen.
        """
        watcher = self._watcher
        return watcher.not_taken(path) if isinstance(watcher, _Native) else set()

    def stop(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()


class _Native:
    """A tree that the shared inotify watches."""

    def __init__(self, inotify: Inotify, path: str, on_hint: Hint) -> None:
        self._inotify = inotify
        self._path = path
        self._on_hint = on_hint
        self._tree: WatchedTree | None = None

    def start(self) -> None:
        self._tree = self._inotify.watch(self._path, self._on_hint)

    def take_over(self, path: str, place: str) -> bool:
        tree = self._tree
        return tree is not None and self._inotify.take_over(tree, path, place)

    def not_taken(self, path: str) -> set[str]:
        tree = self._tree
        return set() if tree is None else self._inotify.not_taken(tree, path)

    @property
    def complete(self) -> bool:
        return self._tree is not None and self._tree.complete

    @property
    def ended(self) -> bool:
        return self._tree is not None and self._tree.ended

    def stop(self) -> None:
        if self._tree is not None:
            self._inotify.unwatch(self._tree)
            self._tree = None


class _Observed(FileSystemEventHandler):
    """A tree that watchdog watches."""

    def __init__(self, root: str, on_hint: Hint) -> None:
        self._root = root
        self._on_hint = on_hint
        self._observer = Observer()

    def start(self) -> None:
        self._observer.schedule(self, self._root, recursive=True, event_filter=_EVENTS)
        self._observer.start()

    def stop(self) -> None:
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        happened = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        if event.is_directory:  # a new folder may have content already
            happened += [f"{path}/." for path in happened]
        found = {folder for path in happened if (folder := folder_of(self._root, path)) is not None}
        if found:
            self._on_hint(dict.fromkeys(found))


def folder_of(root: str, path: str) -> str | None:
    """The folder that contains `path`; None for our own files and for paths outside the root.

    If the folder's path is not valid (not UTF-8), it is the nearest valid folder above.
    """
    below = path.removeprefix(root.rstrip("/") + "/")
    if below == path or any(map(paths.is_reserved, below.split("/"))):
        return None
    folder = paths.parent(below)
    while folder and paths.refusal(folder):
        folder = paths.parent(folder)
    return folder


def _problem(error: OSError, path: str) -> Problem:
    if error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENFILE):
        return Problem(
            Code.WATCH_LIMIT,
            f"not all of {path!r} is watched, so it is scanned at intervals: a limit is reached",
            hint=f"increase fs.inotify.max_user_watches (or max_user_instances) with sysctl; "
            f"a process watches {MOST:,} folders at most",
        )
    return Problem(
        Code.UNWATCHED,
        f"{path!r} is scanned at intervals only: it cannot be watched ({error.strerror})",
    )
