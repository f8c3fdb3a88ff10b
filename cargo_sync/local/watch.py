"""Watching: hints that it is time to look. Never more than that; a periodic scan is what nothing
escapes.

Linux's inotify is read by ourselves (`inotify`, which says why); elsewhere watchdog does it.
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

from cargo_sync.local.inotify import ChangedFolders, Inotify, WatchedTree
from cargo_sync.model import paths
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem

Hint = Callable[[ChangedFolders], None]
"""Told the folders in which something happened, or None for "nobody knows where", from another
thread."""

_TOLD: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent,
    DirCreatedEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip
"""Not opened, and not closed without a write: our own reading raises those."""


class _Watcher(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


def native() -> Inotify | None:
    """The system's own way to watch, to be shared by all watched trees of a process, where we know
    it."""
    return Inotify() if sys.platform == "linux" else None


class Watch:
    """One watched tree.

    inotify  the system's own way; without it watchdog's, as on other systems
    """

    def __init__(self, path: str, on_hint: Hint, inotify: Inotify | None) -> None:
        self._path = os.path.abspath(path)
        self._on_hint = on_hint
        self._inotify = inotify
        self._watcher: _Watcher | None = None

    def start(self) -> Problem | None:
        """Begins to watch; a problem when it cannot, and then the caller looks at intervals."""
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
        return None

    def stop(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()


class _Native:
    """A tree that inotify watches, beside others."""

    def __init__(self, inotify: Inotify, path: str, on_hint: Hint) -> None:
        self._inotify = inotify
        self._path = path
        self._on_hint = on_hint
        self._tree: WatchedTree | None = None

    def start(self) -> None:
        self._tree = self._inotify.watch(self._path, self._on_hint)

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
        self._observer.schedule(self, self._root, recursive=True, event_filter=_TOLD)
        self._observer.start()

    def stop(self) -> None:
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        happened = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        if event.is_directory:  # what is in a folder that came, too
            happened += [f"{path}/." for path in happened]
        found = {folder for path in happened if (folder := folder_of(self._root, path)) is not None}
        if found:
            self._on_hint(frozenset(found))


def folder_of(root: str, path: str) -> str | None:
    """The folder that an event at `path` is in; None for what is ours or not below the root.

    A name that is not UTF-8 counts for the nearest folder above that has a proper one.
    """
    below = path.removeprefix(root.rstrip("/") + "/")
    if below == path or paths.is_below(below, RESERVED):
        return None
    folder = paths.parent(below)
    while folder and paths.bad_path(folder):
        folder = paths.parent(folder)
    return folder


def _problem(error: OSError, path: str) -> Problem:
    if error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENFILE):
        return Problem(
            Code.WATCH_LIMIT,
            f"{path!r} is looked at in intervals: the system's limit of watches is reached",
            hint="raise fs.inotify.max_user_watches (or max_user_instances) with sysctl",
        )
    return Problem(
        Code.UNWATCHED,
        f"{path!r} is looked at in intervals: it cannot be watched ({error.strerror})",
    )
