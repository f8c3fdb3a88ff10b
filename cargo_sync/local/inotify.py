"""Linux's inotify, read a buffer at a time: which folders of a tree something happened in.

A library that makes an object of every event, and hands it through three threads, costs a busy
server more than the files themselves: 20,000 small files arrived in 16.6 s beside watchdog and in
7.3 s without it. Here an event is a number and a mask; what comes out is a set of folders, one for
each buffer and tree.

One instance and one thread serve all trees of a process: the system gives a user 128 instances, and
a daemon may have hundreds of jobs.

Format and rules: inotify(7). A watch is of one folder; what is made below it must be watched at
once, and is told as a folder of its own, since files may have been put there before the watch was.
"""

import ctypes
import errno
import os
import select
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.paths import RESERVED

ChangedFolders = frozenset[str] | None
"""Folders, relative to the root, in which something happened; None: nobody knows where."""

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE, _DELETE_SELF = 0x40, 0x80, 0x100, 0x200, 0x400
_OVERFLOW, _IGNORED, _ONLYDIR, _DONT_FOLLOW, _ISDIR = (
    0x4000,
    0x8000,
    0x1000000,
    0x2000000,
    0x40000000,
)
_WATCHED: Final = (
    _MODIFY
    | _ATTRIB
    | _CLOSE_WRITE
    | _MOVED_FROM
    | _MOVED_TO
    | _CREATE
    | _DELETE
    | _ONLYDIR
    | _DONT_FOLLOW
)
_EVENT: Final = struct.Struct("iIII")
_BUFFER: Final = 256 * 1024
REST: Final = 0.05
"""Seconds between two reads: events come in flocks, and a flock is one hint."""


class WatchedTree:
    """One watched tree, which `Inotify.watch` gives.

    folders  by watch
    """

    def __init__(self, path: str, on_change: Callable[[ChangedFolders], None]) -> None:
        self.path = path
        self.on_change = on_change
        self.folders: dict[int, str] = {}


class Inotify:
    """Watches trees from `watch` until `unwatch`; their `on_change` is called from its one thread,
    which lives as long as there is a tree. `watch` and `unwatch` may come from any thread but that
    one."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._lock = threading.RLock()
        """Held for a step at a time: an event is looked up only when the watch that it is of is
        known."""
        self._changing = threading.Lock()
        """Held while the thread is begun or ended, which never takes it."""
        self._trees: set[WatchedTree] = set()
        self._of: dict[int, list[WatchedTree]] = {}
        self._fd = self._stop = self._stopped = -1
        self._thread: threading.Thread | None = None

    def watch(self, path: str, on_change: Callable[[ChangedFolders], None]) -> WatchedTree:
        """Raises OSError: there is no inotify, or the root cannot be watched, or not all below
        (ENOSPC)."""
        tree = WatchedTree(path, on_change)
        with self._changing:
            if self._thread is None:
                self._open()
            with self._lock:
                self._trees.add(tree)
        try:
            self._add(tree, "")  # which may take long: others come and go meanwhile
        except OSError:
            self.unwatch(tree)
            raise
        return tree

    def unwatch(self, tree: WatchedTree) -> None:
        """Nothing is told of it any more, once this returns."""
        with self._changing:
            self._drop(tree)
            self._close_if_idle()

    # -- the thread --------------------------------------------------------------------------------

    def _open(self) -> None:
        self._fd = self._check(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._stop, self._stopped = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def _close_if_idle(self) -> None:
        thread = self._thread
        if self._trees or thread is None:
            return
        os.write(self._stopped, b"\0")
        thread.join()
        for fd in (self._fd, self._stop, self._stopped):
            os.close(fd)
        self._thread = None
        self._of.clear()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        rest = select.poll()
        rest.register(self._stop, select.POLLIN)
        while not any(fd == self._stop for fd, _ in poll.poll()):
            try:
                buffer = os.read(self._fd, _BUFFER)
            except BlockingIOError:
                continue
            self._tell(self._read(buffer))
            if rest.poll(REST * 1000):
                return

    def _tell(self, changed: dict[WatchedTree, ChangedFolders]) -> None:
        for tree, folders in changed.items():
            if folders is None or folders:
                with self._lock:  # `unwatch` waits for what is being told
                    if tree in self._trees:
                        tree.on_change(folders)

    # -- events ------------------------------------------------------------------------------------

    def _read(self, buffer: bytes) -> dict[WatchedTree, ChangedFolders]:
        changed: dict[WatchedTree, set[str]] = {}
        position = 0
        while position < len(buffer):
            watch, mask, _, length = _EVENT.unpack_from(buffer, position)
            position += _EVENT.size + length
            if mask & _OVERFLOW:
                return self._watch_all_anew()
            name = (
                os.fsdecode(buffer[position - length : position].rstrip(b"\0"))
                if mask & _ISDIR
                else ""
            )
            for tree, folder in self._watched(watch, forget=bool(mask & _IGNORED)):
                happened = changed.setdefault(tree, set())
                happened.add(folder)
                if mask & _ISDIR:
                    happened |= self._folder_event(tree, paths.join(folder, name), mask)
        return {tree: frozenset(happened - {RESERVED}) for tree, happened in changed.items()}

    def _watched(self, watch: int, *, forget: bool) -> Iterator[tuple[WatchedTree, str]]:
        """The folders that a watch is of: one, unless it can be reached by two ways."""
        with self._lock:
            trees = self._of.pop(watch, []) if forget else list(self._of.get(watch, ()))
            found = [(tree, tree.folders[watch]) for tree in trees]
            if forget:
                for tree in trees:
                    del tree.folders[watch]
        return iter(()) if forget else iter(found)

    def _folder_event(self, tree: WatchedTree, path: str, mask: int) -> set[str]:
        """A folder came or went. One that is moved takes its watches along: they are set anew where
        it is."""
        if mask & (_MOVED_FROM | _DELETE):
            with self._lock:
                for watch in [
                    one for one, folder in tree.folders.items() if paths.is_below(folder, path)
                ]:
                    self._let_go(tree, watch)
        if mask & (_MOVED_TO | _CREATE):
            try:
                return self._add(tree, path)
            except OSError:
                return set()  # the limit is reached: scans at intervals find what is in there
        return set()

    def _watch_all_anew(self) -> dict[WatchedTree, ChangedFolders]:
        with self._lock:
            trees = list(self._trees)
        for tree in trees:
            try:
                self._add(tree, "")
            except OSError:
                continue  # as above
        return dict.fromkeys(trees)

    # -- watches -----------------------------------------------------------------------------------

    def _add(self, tree: WatchedTree, top: str) -> set[str]:
        """Watches a folder and all below it; those that could be. Raises OSError at the system's
        limit."""
        added: set[str] = set()
        pending = [top]
        while pending:
            folder = pending.pop()
            if folder == RESERVED or paths.bad_path(folder):
                continue
            place = os.path.join(tree.path, folder) if folder else tree.path
            try:
                # The watch comes before the listing: what is made in between is told by one of
                # both.
                with self._lock:
                    self._take(tree, folder, place)
                added.add(folder)
                with os.scandir(place) as names:
                    pending += [
                        paths.join(folder, one.name)
                        for one in names
                        if one.is_dir(follow_symlinks=False)
                    ]
            except OSError as error:
                if not folder or error.errno in (errno.ENOSPC, errno.ENOMEM):
                    raise
        return added

    def _take(self, tree: WatchedTree, folder: str, place: str) -> None:
        watch = self._check(self._libc.inotify_add_watch(self._fd, os.fsencode(place), _WATCHED))
        tree.folders[watch] = folder
        trees = self._of.setdefault(watch, [])
        if tree not in trees:
            trees.append(tree)

    def _let_go(self, tree: WatchedTree, watch: int) -> None:
        del tree.folders[watch]
        trees = self._of[watch]
        trees.remove(tree)
        if not trees:
            del self._of[watch]
            self._libc.inotify_rm_watch(self._fd, watch)

    def _drop(self, tree: WatchedTree) -> None:
        with self._lock:
            self._trees.discard(tree)
            for watch in list(tree.folders):
                self._let_go(tree, watch)

    def _check(self, result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
