"""All calls that change a disk, and the only place that depends on the platform.

`System` uses what each POSIX system has; `LinuxSystem` adds renameat2(2) and syncfs(2). Tests run
everything on both, and on one that fails or stops at its Nth call. Names are single components,
relative to a folder's descriptor.
"""

import ctypes
import errno
import os
import signal
import stat
import sys
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process import descriptors

if sys.platform != "win32":
    import fcntl

_NOT_OFFERED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""Errors of a kernel or a file system for a rename flag that it does not know."""
_NO_LINKS: Final = _NOT_OFFERED | {errno.EPERM, errno.EMLINK}
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_AGAIN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OPENAT2: Final = 437
"""Its number on each architecture; the C library has no function for it."""
_LONGEST: Final = 4095
"""Bytes of a path that Linux opens in one call."""


class Volume(NamedTuple):
    """A file system, in bytes.

    free   a program of this user may still write so many
    size   of the whole file system
    block  each file takes whole blocks
    """

    free: int
    size: int
    block: int


_READ: Final = os.O_RDONLY | os.O_NONBLOCK


class System:
    """The calls that change a disk, with POSIX only. All raise OSError.

    whole_sync  whether `syncfs` exists; otherwise files and folders are synced one by one
    line        from this number on, descriptors are kept back (process.descriptors)
    """

    whole_sync: bool = False

    def __init__(self) -> None:
        self.line = descriptors.line(descriptors.limit())

    @staticmethod
    def choose() -> "System":
        """The best system for this platform.

        Raises:
            ProblemError: `unsupported`, on Windows.
        """
        if sys.platform == "win32":
            raise ProblemError(
                Problem(
                    Code.UNSUPPORTED,
                    "local folders are not supported on Windows yet",
                    hint="run Cargo on Linux or macOS, or in WSL",
                    retry=False,
                )
            )
        return LinuxSystem.load() or System()

    @staticmethod
    def portable() -> "System":
        """The system that uses only POSIX, on each platform."""
        return System()

    def read_only(self, fd: int) -> bool:
        """Whether the file system of an open folder, or this mount of it, cannot be written to."""
        try:
            return bool(os.fstatvfs(fd).f_flag & os.ST_RDONLY)
        except OSError:  # it is broken; what is read or written there next says how
            return False

    # -- files -------------------------------------------------------------------------------------

    def open_below(self, folder: int, path: str, flags: int) -> int:
        """Opens the path of one or more components; ELOOP if any of them is a link."""
        above, _, name = path.rpartition("/")
        at = folder
        try:
            for part in above.split("/") if above else ():
                below = _open_no_link(at, part, _FOLDER)
                if at != folder:
                    os.close(at)
                at = below
            return descriptors.below(self.line, _open_no_link(at, name, flags))
        finally:
            if at != folder:
                os.close(at)

    def open_in(self, folder: int, name: str) -> int:
        """Opens a file in an open folder for reading, no link and without waiting for a pipe."""
        return descriptors.below(self.line, _open_no_link(folder, name, _READ))

    def create(self, folder: int, name: str, mode: int = 0o600) -> int:
        """Makes and opens a file for reading and writing; FileExistsError if the name is taken."""
        fd = os.open(name, _NEW, mode, dir_fd=folder)
        if fd < self.line:
            return fd
        os.unlink(name, dir_fd=folder)
        return descriptors.below(self.line, fd)

    def create_below(self, folder: int, path: str, mode: int) -> int:
        """As `create`, at a path of several components; ELOOP if any of them is a link."""
        above, _, name = path.rpartition("/")
        at = self.open_below(folder, above, _FOLDER)
        try:
            return self.create(at, name, mode)
        finally:
            os.close(at)

    def reopen(self, folder: int, name: str) -> int:
        """Opens one of our own files again, for reading and writing."""
        return descriptors.below(self.line, os.open(name, _AGAIN, dir_fd=folder))

    def write(self, fd: int, content: memoryview | bytes, offset: int) -> None:
        """Writes all of `content` at `offset` of the file."""
        written = os.pwrite(fd, content, offset)
        while written < len(content):
            written += os.pwrite(fd, content[written:], offset + written)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def utime(self, fd: int, mtime_ns: int) -> None:
        os.utime(fd, ns=(mtime_ns, mtime_ns))

    def chmod(self, fd: int, mode: int) -> None:
        os.fchmod(fd, mode)

    def set_xattr(self, fd: int, name: str, value: bytes) -> None:
        """Sets an extended attribute; only where the system has them (`local.xattrs`)."""
        os.setxattr(fd, name, value)

    def remove_xattr(self, fd: int, name: str) -> None:
        os.removexattr(fd, name)

    def keep_writers_out(self, fd: int) -> None:
        """From now on nobody can begin to write to a file, until `fd`, opened for reading, closes.

        Where the system or the file system cannot do that, nothing happens.

        Raises:
            BlockingIOError: somebody has the file open for writing.
        """

    # -- folders -----------------------------------------------------------------------------------

    def mkdir(self, folder: int, name: str, mode: int) -> None:
        os.mkdir(name, mode, dir_fd=folder)

    def attributes(self, fd: int) -> object:
        """What an open folder has besides its names and times; only if `whole_sync`.

        Equal for two folders that differ in nothing else.
        """
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def open_up(self, folder: int, name: str) -> None:
        """Lets the owner read and empty a folder; only for folders in our own trash.

        Its mode is changed by a descriptor: a link that took its place meanwhile is refused.
        """
        try:
            fd = _open_no_link(folder, name, _FOLDER)
        except PermissionError:
            self.open_up_unreadable(folder, name)
            return
        try:
            self.chmod(fd, 0o700)
        finally:
            os.close(fd)

    def open_up_unreadable(self, folder: int, name: str) -> None:
        """As `open_up`, for a folder that its owner may not even read."""
        if os.chmod not in os.supports_follow_symlinks:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
        os.chmod(name, 0o700, dir_fd=folder, follow_symlinks=False)

    def symlink(self, target: str, folder: int, name: str) -> None:
        os.symlink(target, name, dir_fd=folder)

    def utime_link(self, folder: int, name: str, mtime_ns: int) -> None:
        """Sets the time of a link itself; where that cannot be done, nothing happens."""
        if os.utime not in os.supports_follow_symlinks:
            return
        try:
            os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise

    def unlink(self, folder: int, name: str) -> None:
        os.unlink(name, dir_fd=folder)

    def rmdir(self, folder: int, name: str) -> None:
        os.rmdir(name, dir_fd=folder)

    def link(self, source: int, name: str, target: int, new: str) -> None:
        os.link(name, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)

    def rename(self, source: int, name: str, target: int, new: str) -> None:
        """Renames, and replaces what is at `new`: only for a name that is ours."""
        os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)

    def rename_noreplace(self, source: int, name: str, target: int, new: str) -> None:
        """Renames a file, link or folder; FileExistsError, and no change, if `new` is taken."""
        if stat.S_ISDIR(os.lstat(name, dir_fd=source).st_mode):
            self.mkdir(target, new, 0o700)
            try:
                # Replaces only an empty folder: ENOTEMPTY if somebody put something in it.
                self.rename(source, name, target, new)
            except OSError:
                self.rmdir(target, new)
                raise
            return
        try:
            self.link(source, name, target, new)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # No hard links (exFAT), or none to another user's file: create the name, then replace
            # it.
            os.close(self.create(target, new))
            self.rename(source, name, target, new)
        else:
            self.unlink(source, name)

    def exchange(self, source: int, name: str, target: int, new: str) -> None:
        """Two names change places, in one step; OSError with ENOTSUP if that cannot be done."""
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), name)

    def swap_in(self, source: int, name: str, place: int, at: str, spare: int, aside: str) -> None:
        """Moves the entry `at` to `aside`, which must be free, and `name` to `at`.

        Without an atomic exchange a reader may find nothing for a moment. The old entry is never
        lost: after a failure it is back in its place, or, if that was taken meanwhile, at `aside`.
        """
        self.rename_noreplace(place, at, spare, aside)
        try:
            self.rename_noreplace(source, name, place, at)
        except OSError:
            self._put_back(spare, aside, place, at)
            raise

    def _put_back(self, spare: int, aside: str, place: int, at: str) -> None:
        try:
            self.rename_noreplace(spare, aside, place, at)
        except OSError:
            return  # it stays at `aside`, where the caller looks for it

    # -- durability --------------------------------------------------------------------------------

    def fsync(self, fd: int) -> None:
        """Writes a file's content and metadata, or the names in a folder, to the disk."""
        # On macOS, fsync alone leaves everything in the disk's own cache.
        full = getattr(fcntl, "F_FULLFSYNC", None)
        if full is None:
            os.fsync(fd)
            return
        try:
            fcntl.fcntl(fd, full)
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
            os.fsync(fd)

    def datasync(self, fd: int) -> None:
        """Writes a file's content and length to the disk."""
        if hasattr(os, "fdatasync"):
            os.fdatasync(fd)
        else:
            self.fsync(fd)

    def syncfs(self, fd: int) -> None:
        """Writes the whole file system of `fd` to the disk; only if `whole_sync`."""
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    # -- the rest ----------------------------------------------------------------------------------

    def flock(self, fd: int) -> None:
        """Takes an exclusive lock that ends with its process; BlockingIOError if it is taken."""
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(self, fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)

    def volume(self, fd: int) -> Volume:
        figures = os.fstatvfs(fd)
        block = figures.f_frsize
        return Volume(figures.f_bavail * block, figures.f_blocks * block, block)


class _OpenHow(ctypes.Structure):
    """`struct open_how` of openat2(2)."""

    _fields_: ClassVar = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


_OPEN_HOW: Final = ctypes.sizeof(_OpenHow)
_BENEATH: Final = 0x04 | 0x08
"""RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH."""
_NOREPLACE: Final = 1
_EXCHANGE: Final = 2
"""Flags of renameat2(2)."""
_GET_FLAGS: Final = 0x80086601
"""FS_IOC_GETFLAGS, on the usual architectures."""
_ENCODING: Final = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_NO_OPENAT2: Final = frozenset({errno.ENOSYS, errno.EPERM})
"""Before Linux 5.6, and in containers that refuse what they do not know."""


@cache
def _how(flags: int, mode: int = 0) -> _OpenHow:
    return _OpenHow(flags | os.O_CLOEXEC, mode, _BENEATH)


class LinuxSystem(System):
    """Adds syncfs(2), openat2(2) and renameat2(2).

    openat2 opens a path of many components in one step, and refuses links. renameat2 renames
    without replacing, and exchanges in one step.
    """

    whole_sync = True

    def __init__(self, renameat2: Any, syncfs: Any, syscall: Any) -> None:
        super().__init__()
        self._renameat2 = renameat2
        self._syncfs = syncfs
        self._syscall = syscall

    @classmethod
    def load(cls) -> "LinuxSystem | None":
        """The Linux system; None if the C library does not have these calls."""
        try:
            library = ctypes.CDLL(None, use_errno=True)
            renameat2, syncfs, syscall = library.renameat2, library.syncfs, library.syscall
        except (OSError, AttributeError):
            return None
        renameat2.argtypes = (
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_uint,
        )
        syncfs.argtypes = (ctypes.c_int,)
        syscall.restype = ctypes.c_long
        syscall.argtypes = (
            ctypes.c_long,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.POINTER(_OpenHow),
            ctypes.c_size_t,
        )
        return cls(renameat2, syncfs, syscall)

    def open_below(self, folder: int, path: str, flags: int) -> int:
        name = _raw(path)
        if len(name) > _LONGEST:
            return super().open_below(folder, path, flags)
        fd: int = self._syscall(_OPENAT2, folder, name, _how(flags), _OPEN_HOW)
        if fd >= 0:
            return descriptors.below(self.line, fd)
        error = ctypes.get_errno()
        if error in _NO_OPENAT2:
            return super().open_below(folder, path, flags)
        raise OSError(error, os.strerror(error), path)

    def create_below(self, folder: int, path: str, mode: int) -> int:
        # In one call: a node makes most of its files here.
        how = _how(_NEW, mode)
        fd: int = self._syscall(_OPENAT2, folder, _raw(path), how, _OPEN_HOW)
        if 0 <= fd < self.line:
            return fd
        if fd >= 0:
            os.unlink(path, dir_fd=folder)
            return descriptors.below(self.line, fd)
        error = ctypes.get_errno()
        if error in _NO_OPENAT2:
            return super().create_below(folder, path, mode)
        raise OSError(error, os.strerror(error), path)

    def keep_writers_out(self, fd: int) -> None:
        # A read lease: who opens the file for writing waits for us. The kernel tells us of it by a
        # signal; its default, SIGIO, would end the process, and nobody hears of SIGURG.
        try:
            fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except BlockingIOError:
            raise
        except OSError:
            return  # another user's file, or a file system without leases

    def open_up_unreadable(self, folder: int, name: str) -> None:
        # fchmod(2) takes no O_PATH descriptor, and chmod(2) always follows links.
        fd = _open_no_link(folder, name, os.O_PATH | os.O_DIRECTORY)
        try:
            os.chmod(f"/proc/self/fd/{fd}", 0o700)
        finally:
            os.close(fd)

    def attributes(self, fd: int) -> object:
        found = os.fstat(fd)
        extended = {name: os.getxattr(fd, name) for name in os.listxattr(fd)}
        return found.st_mode, found.st_uid, found.st_gid, _flags(fd), extended

    def rename_noreplace(self, source: int, name: str, target: int, new: str) -> None:
        # As `_rename` does, without a call: nearly every file gets its name here.
        if self._renameat2(source, _raw(name), target, _raw(new), _NOREPLACE):
            error = ctypes.get_errno()
            if error not in _NOT_OFFERED:
                raise OSError(error, os.strerror(error), name, None, new)
            super().rename_noreplace(source, name, target, new)

    def exchange(self, source: int, name: str, target: int, new: str) -> None:
        self._rename(source, name, target, new, _EXCHANGE)

    def swap_in(self, source: int, name: str, place: int, at: str, spare: int, aside: str) -> None:
        """Like `System.swap_in`, but a reader finds the old or the new file, never nothing.

        The new file goes to `aside` first and is exchanged from there. So the old file moves
        directly to the trash: after a crash it is at its place or in the trash, never in staging,
        where it would be removed.
        """
        self.rename_noreplace(source, name, spare, aside)
        try:
            self.exchange(spare, aside, place, at)
        except OSError as error:
            self.rename_noreplace(spare, aside, source, name)
            if error.errno not in _NOT_OFFERED:
                raise
            super().swap_in(source, name, place, at, spare, aside)

    def syncfs(self, fd: int) -> None:
        if self._syncfs(fd) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    def _rename(self, source: int, name: str, target: int, new: str, flags: int) -> None:
        if self._renameat2(source, _raw(name), target, _raw(new), flags):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), name, None, new)


def _flags(fd: int) -> bytes:
    """What `lsattr` shows; nothing where the file system has no such flags."""
    try:
        return fcntl.ioctl(fd, _GET_FLAGS, bytes(8))
    except OSError:
        return b""


def _raw(name: str) -> bytes:
    """As `os.fsencode`, in a third of the time."""
    return name.encode(*_ENCODING)


def _open_no_link(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        # With O_DIRECTORY a link is only "not a directory".
        if error.errno == errno.ENOTDIR and _is_link(folder, name):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from error
        raise


def _is_link(folder: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode)
    except OSError:
        return False
