"""One process a state file: a kernel lock that dies with its holder, so that no stale lock is ever
left."""

import fcntl
import os
from contextlib import suppress

from cargo_sync.model.problems import Problem, ProblemError, from_os_error


class StateLock:
    """An exclusive `flock` on a file that names its holder; held until `release`."""

    def __init__(self, path: str) -> None:
        """Take it.

        Raises:
            ProblemError: `state_in_use`, naming the process that holds it; or why the file cannot
                be made.
        """
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise ProblemError(
                Problem(
                    "state_in_use",
                    f"{path.removesuffix('.lock')!r} is in use by process {holder or 'unknown'}",
                    hint="stop that process, or give this one a state folder of its own",
                    retry=False,
                )
            ) from error
        with suppress(
            OSError
        ):  # the disk may be full: it is held all the same, by a process without a name
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        # The file stays: unlinking it would let a second holder lock another file of the same name.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
