"""Descriptors of the folders below a root, opened component by component, never through a link.

A folder is leased (`with folders.lease(path) as folder: … folder.fd`). So a descriptor that leaves
the cache is closed only when it is not used any more. Several threads may lease.
"""

import errno
import os
import stat
import threading
from collections import OrderedDict
from types import TracebackType
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

KEPT: Final = 64
"""Descriptors kept open per root."""

OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Folder:
    """One open folder; its lease ends with its `with`."""

    __slots__ = ("_folders", "device", "fd", "inode", "path", "users")

    def __init__(self, folders: "FolderCache", path: str, fd: int) -> None:
        found = os.fstat(fd)
        self.path, self.fd, self.device, self.inode = path, fd, found.st_dev, found.st_ino
        self.users = 1
        self._folders = folders

    def __enter__(self) -> "Folder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folders.release(self)


class FolderCache:
    """The open folders of one root."""

    def __init__(self, fd: int) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Folder] = OrderedDict()
        self._root = Folder(self, "", fd)
        self.device = self._root.device

    def lease(self, path: str, *, check: bool = True) -> Folder:
        """Opens the folder at `path`, or takes it from the cache.

        With `check`, a cached folder is only used if the path still leads to it.

        Raises:
            ProblemError: vanished, not_a_folder, symlink, other_device, …
        """
        held = self._cached(path, check)
        if held is not None:
            return held
        above, parts = self._nearest(path)
        fd = -1
        try:
            at, reached = above.fd, above.path
            for part in parts:
                reached = paths.join(reached, part)
                below = self._open(at, part, reached)
                if fd >= 0:
                    os.close(fd)
                at = fd = below
            folder = Folder(self, path, fd)
        except BaseException:
            if fd >= 0:
                os.close(fd)
            raise
        finally:
            self.release(above)
        return self._keep(folder)

    def release(self, folder: Folder) -> None:
        with self._lock:
            folder.users -= 1
            unused = folder.users == 0 and self._held.get(folder.path) is not folder
        if unused and folder is not self._root:
            os.close(folder.fd)

    def forget(self, path: str) -> None:
        """Drops the folders at and below `path`: they may be somewhere else now."""
        with self._lock:
            gone = [held for held in self._held if paths.is_below(held, path)]
            closing = [self._held.pop(held) for held in gone]
            unused = [folder.fd for folder in closing if folder.users == 0]
        for fd in unused:
            os.close(fd)

    def close(self) -> None:
        self.forget("")

    def _cached(self, path: str, check: bool) -> Folder | None:
        with self._lock:
            held = self._held.get(path) if path else self._root
            if held is None:
                return None
            held.users += 1
            if held is self._root:
                return held
            self._held.move_to_end(path)
        if not check or self._leads_to(held):
            return held
        self.forget(path)
        self.release(held)
        return None

    def _leads_to(self, held: Folder) -> bool:
        try:
            found = os.lstat(held.path, dir_fd=self._root.fd)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (held.device, held.inode)

    def _nearest(self, path: str) -> tuple[Folder, list[str]]:
        """The nearest open folder above `path`, and the components from there to `path`."""
        above, parts = path, list[str]()
        while True:
            above, _, part = above.rpartition("/")
            parts.append(part)
            held = self._cached(above, check=True)
            if held is not None:
                return held, parts[::-1]

    def _open(self, above: int, name: str, path: str) -> int:
        if reason := paths.bad_name(name):
            raise ProblemError(
                Problem(Code.BAD_PATH, f"the path {path!r} {reason}", path=path, retry=False)
            )
        try:
            fd = os.open(name, OPEN, dir_fd=above)
        except OSError as error:
            raise ProblemError(_refusal(error, above, name, path)) from error
        if os.fstat(fd).st_dev != self.device:
            os.close(fd)
            raise ProblemError(
                Problem(
                    Code.OTHER_DEVICE,
                    f"{path!r} is on another file system, which is not entered",
                    path=path,
                    hint="make a separate job for it",
                )
            )
        return fd

    def _keep(self, folder: Folder) -> Folder:
        unused = []
        with self._lock:
            present = self._held.pop(folder.path, None)
            self._held[folder.path] = folder
            if present is not None and present.users == 0:
                unused.append(present.fd)
            while len(self._held) > KEPT:
                _, oldest = self._held.popitem(last=False)
                if oldest.users == 0:
                    unused.append(oldest.fd)
        for fd in unused:
            os.close(fd)
        return folder


def _refusal(error: OSError, above: int, name: str, path: str) -> Problem:
    """The problem of a folder that cannot be opened.

    With O_NOFOLLOW | O_DIRECTORY a link gives ENOTDIR (or ELOOP). The problem says that it is a
    link.
    """
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        try:
            if stat.S_ISLNK(os.lstat(name, dir_fd=above).st_mode):
                return from_os_error(OSError(errno.ELOOP, ""), path)
        except OSError:
            pass
    return from_os_error(error, path)
