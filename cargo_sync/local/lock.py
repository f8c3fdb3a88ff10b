"""One owner per root, by a kernel lock that ends with its process; and the marker of a root."""

import errno
import os
import re
from typing import Final

from cargo_sync.local.overlaps import overlapping
from cargo_sync.local.root import Root
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

_MARKER, _HOLDER = "marker", "lock"
_TOKEN: Final = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
_ONE_OWNER: Final = "a folder can have only one owner: stop the other one, or use another folder"
_NO_LOCKS: Final = frozenset(
    {errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
)
"""Errors of network file systems that lock only files, or nothing."""


class RootLock:
    """A root that is ours until `release`."""

    def __init__(self, root: Root, fd: int) -> None:
        self._root = root
        self._fd = fd

    def release(self) -> None:
        if self._fd >= 0:
            self._root.system.unlock(self._fd)
        if self._fd not in (-1, self._root.fd):
            os.close(self._fd)


def lock_root(root: Root, holder: str, *, leave_name: bool) -> RootLock:
    """Locks the root, for as long as it stays open.

    `holder` is our name (for example the job), for other processes that want the lock. With
    `leave_name` it is written below the root, which is for roots that we write to anyway.

    Raises:
        ProblemError: `root_in_use`, with the holder's name if it is known; also if another process
            owns a folder above or below (`overlaps`).
    """
    fd = root.fd
    try:
        try:
            root.system.flock(fd)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            fd = _lockable(root)
            if fd >= 0:
                root.system.flock(fd)
    except BlockingIOError as error:
        if fd != root.fd:
            os.close(fd)
        named = _read_own(root, _HOLDER) or _kernel_holder(root) or "another process of Cargo"
        raise ProblemError(
            Problem(
                Code.ROOT_IN_USE,
                f"the folder {root.path!r} is in use by {named}",
                hint=_ONE_OWNER,
            )
        ) from error
    except OSError as error:
        raise ProblemError(from_os_error(error, root.path)) from error
    lock = RootLock(root, fd)
    try:
        _check_alone(root)
        if leave_name:
            _leave_name(root, holder)
    except BaseException:
        lock.release()
        raise
    return lock


def holder(root: Root) -> str:
    """The process that holds the root now ("process 4711"); "" if none does or it is not known.

    The lock itself is not touched.
    """
    return _kernel_holder(root)


def read_marker(root: Root) -> str | None:
    """The root's marker, or None if it has none (or a file that is not a valid marker).

    Raises:
        ProblemError: the marker cannot be read.
    """
    text = _read_own(root, _MARKER)
    return text if text and _TOKEN.fullmatch(text) else None


def marker(root: Root, token: str) -> str:
    """The root's marker. If there is none, `token` (32 hex digits) is written, durably.

    Raises:
        ProblemError: it cannot be written, or the file there is not a valid marker (`bad_marker`).
    """
    if present := read_marker(root):
        return present
    root.make_folder(RESERVED)
    temporary = f"{_MARKER}.{token}"
    with root.folder(RESERVED) as own:
        try:
            try:
                fd = root.system.create(own.fd, temporary)
            except FileExistsError:  # the same move of a workspace was killed here before
                root.system.unlink(own.fd, temporary)
                fd = root.system.create(own.fd, temporary)
            try:
                root.system.write(fd, token.encode() + b"\n", 0)
                root.system.fsync(fd)
            finally:
                os.close(fd)
            try:
                root.system.rename_noreplace(own.fd, temporary, own.fd, _MARKER)
            except FileExistsError:
                root.system.unlink(own.fd, temporary)
        except OSError as error:
            raise ProblemError(from_os_error(error, f"{RESERVED}/{_MARKER}")) from error
    root.sync(["", RESERVED])
    written = read_marker(root)
    if written is None:
        raise ProblemError(
            Problem(
                Code.BAD_MARKER,
                f"{RESERVED}/{_MARKER} below {root.path!r} was not written by Cargo",
                hint="delete that file if the folder is the right one",
            )
        )
    return written


def _check_alone(root: Root) -> None:
    """Raises ProblemError if another process owns a folder above or below the root."""
    try:
        place = os.readlink(f"/proc/self/fd/{root.fd}")
    except OSError:  # no Linux
        return
    if found := overlapping(place):
        raise ProblemError(
            Problem(
                Code.ROOT_IN_USE,
                f"the folder {root.path!r} overlaps with {found.folder!r}, which is in use by "
                f"process {found.process}",
                hint=_ONE_OWNER,
            )
        )


def _kernel_holder(root: Root) -> str:
    """The process that holds the root's lock, from the kernel (Linux: proc_locks(5)); else ""."""
    found = os.fstat(root.fd)
    wanted = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    try:
        with open("/proc/locks") as locks:
            fields = [line.split() for line in locks]
    except OSError:
        return ""
    # "1: FLOCK ADVISORY WRITE 4711 fd:00:12345 0 EOF"
    held = [row[4] for row in fields if len(row) > 5 and row[1] == "FLOCK" and row[5] == wanted]
    return f"process {held[0]}" if held and held[0] != "-1" else ""


def _leave_name(root: Root, holder: str) -> None:
    text = f"process {os.getpid()}, {holder}\n".encode()
    fd = _open_own(root, _HOLDER)
    try:
        root.system.truncate(fd, 0)
        root.system.write(fd, text, 0)
    except OSError as error:
        raise ProblemError(from_os_error(error, f"{RESERVED}/{_HOLDER}")) from error
    finally:
        os.close(fd)


def _open_own(root: Root, name: str) -> int:
    """Opens a file directly below `.cargo_sync`, made if missing. Raises ProblemError."""
    root.make_folder(RESERVED)
    with root.folder(RESERVED) as own:
        try:
            try:
                return root.system.create(own.fd, name)
            except FileExistsError:
                return root.system.reopen(own.fd, name)
        except OSError as error:
            raise ProblemError(from_os_error(error, f"{RESERVED}/{name}")) from error


def _lockable(root: Root) -> int:
    """Opens a file to lock, for file systems that cannot lock folders.

    Returns -1 below a read-only root: it needs no lock, because it cannot be changed.
    """
    try:
        return _open_own(root, _HOLDER)
    except ProblemError as error:
        if error.problem.code in (Code.READ_ONLY, Code.UNREADABLE):
            return -1
        raise


def _read_own(root: Root, name: str) -> str | None:
    try:
        with root.folder(RESERVED) as own:
            fd = os.open(
                name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=own.fd
            )
            try:
                text = os.pread(fd, 512, 0).decode("utf-8", "replace")
            finally:
                os.close(fd)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProblemError(from_os_error(error, f"{RESERVED}/{name}")) from error
    except ProblemError as error:
        if error.problem.code == Code.VANISHED:
            return None
        raise
    return "".join(character for character in text.strip() if character.isprintable())
