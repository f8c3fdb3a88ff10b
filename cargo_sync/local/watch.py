"""Watching: hints that it is time to look. Never more than that; a periodic scan is what nothing escapes.

watchdog keeps two things to itself that a caller must know: that the kernel dropped events, and that
folders below the root could not be watched because the system's limit is reached. On Linux its reader of
inotify(7) is extended by these two.
"""

import errno
import os
import sys
from collections.abc import Callable
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver

from cargo_sync.model import paths
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Problem

Hint = Callable[[str], None]

_TOLD: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent, FileModifiedEvent, FileAttribEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent,
    DirCreatedEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip
"""Not opened, and not closed without a write: our own reading raises those."""


class Watch:
    """One watched folder. `on_hint` is called from other threads: a relative path, or "" for everything."""

    def __init__(self, path: str, on_hint: Hint) -> None:
        self._path = os.path.abspath(path)
        self._on_hint = on_hint
        self._observer: BaseObserver | None = None

    def start(self) -> Problem | None:
        """Begins to watch; a problem when it cannot, and then the caller looks at intervals."""
        limits: list[OSError] = []
        try:
            observer = _observer(lambda: self._on_hint(""), limits.append)
            observer.schedule(
                _Handler(self._path, self._on_hint), self._path, recursive=True, event_filter=_TOLD
            )
            self._observer = observer
            observer.start()
        except OSError as error:
            limits.append(error)
        if not limits:
            return None
        self.stop()
        return _problem(limits[0], self._path)

    def stop(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            if observer.is_alive():
                observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, root: str, on_hint: Hint) -> None:
        self._root = root
        self._on_hint = on_hint

    def on_any_event(self, event: FileSystemEvent) -> None:
        for path in (event.src_path, event.dest_path):
            if path and (hint := relative(self._root, os.fsdecode(path))) is not None:
                self._on_hint(hint)


def relative(root: str, path: str) -> str | None:
    """A hint's path; None for what is ours or not below the root, the parent's for a name not UTF-8."""
    if path == root:
        return ""
    below = path.removeprefix(root.rstrip("/") + "/")
    if below == path or paths.is_below(below, RESERVED):
        return None
    while below and paths.bad_path(below):
        below = paths.parent(below)
    return below


def _problem(error: OSError, path: str) -> Problem:
    if error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENFILE):
        return Problem(
            "watch_limit",
            f"{path!r} is looked at in intervals: the system's limit of watches is reached",
            hint="raise fs.inotify.max_user_watches (or max_user_instances) with sysctl",
        )
    return Problem(
        "unwatched", f"{path!r} is looked at in intervals: it cannot be watched ({error.strerror})"
    )


if sys.platform == "linux":
    from watchdog.observers.inotify import InotifyEmitter
    from watchdog.observers.inotify_c import (
        CallbackId,
        InotifyEvent,
        InotifyFD,
        Mask,
        WatchCallback,
        WatchDescriptor,
    )

    class _Inotify(InotifyFD):
        def __init__(self, on_lost: Callable[[], None], on_limit: Callable[[OSError], None]) -> None:
            super().__init__()
            self._on_lost = on_lost
            self._on_limit = on_limit

        def add_callback(
            self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId
        ) -> WatchDescriptor:
            try:
                return super().add_callback(path, mask, callback, id_)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    self._on_limit(error)
                    self._on_lost()
                raise

        def handle_event(self, event: InotifyEvent) -> None:
            super().handle_event(event)
            if event.is_queue_overflow:
                self._on_lost()

    class _InotifyObserver(BaseObserver):
        def __init__(self, reader: _Inotify) -> None:
            super().__init__(InotifyEmitter, inotify_fd=reader)
            self._reader = reader
            reader.start()

        def on_thread_stop(self) -> None:
            super().on_thread_stop()
            self._reader.stop()
            self._reader.join()

    def _observer(on_lost: Callable[[], None], on_limit: Callable[[OSError], None]) -> BaseObserver:
        return _InotifyObserver(_Inotify(on_lost, on_limit))

else:
    from watchdog.observers import Observer

    def _observer(on_lost: Callable[[], None], on_limit: Callable[[OSError], None]) -> BaseObserver:
        return Observer()
