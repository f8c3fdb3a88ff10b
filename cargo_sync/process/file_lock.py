"""A lock on a file that names its holder.

The kernel releases it when its holder's process ends, so there are no stale locks.
"""

import fcntl
import os
from contextlib import suppress


class LockedError(Exception):
    """Another process holds the lock. `holder` is its process id, or "unknown"."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"process {holder}")
        self.holder = holder


class FileLock:
    """An exclusive `flock` on `path`, held until `release`. The file is made if it is missing.

    Raises:
        LockedError: another process holds it, or the file system has no locks.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = self.holder()
            os.close(self._descriptor)
            raise LockedError(holder) from error

    def holder(self) -> str:
        """The process id in the file, or "unknown"."""
        return os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"

    def sign(self) -> None:
        """Writes our process id into the file, for processes that want the lock.

        On a full disk the file stays empty. The lock is held anyway, but without a name.
        """
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Releases the lock.

        The file stays. Without it, the next holder would lock a new file of the same name, and the
        lock would have two holders.
        """
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        self.close()

    def close(self) -> None:
        """Releases the lock and leaves the name in the file."""
        os.close(self._descriptor)
