"""Why something failed: a value for programs, a sentence for people.

Foreign exceptions (OSError, sqlite3.Error, aiohttp's) are translated into a `ProblemError` once, at
the edge where they come in. Whoever decides what happens next asks `retry`, never which library
raised.
"""

import errno
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure.

    code     a word that programs compare, from the list in docs/control-protocol.md
    message  a sentence for people: what happened, to what
    path     the path it happened to, relative to its root; "" when it is about the whole
    hint     what to do about it, or ""
    retry    whether the same thing may succeed later without anybody's help
    """

    code: str
    message: str
    path: str = ""
    hint: str = ""
    retry: bool = True

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ProblemError(Exception):
    """Carries a `Problem` up to who decides."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem

    def at(self, path: str) -> "ProblemError":
        """The same problem, of `path`."""
        return ProblemError(replace(self.problem, path=path))


_BY_ERRNO: dict[int, tuple[str, str, bool]] = {
    errno.ENOENT: ("vanished", "is not there", True),
    errno.EACCES: ("unreadable", "may not be accessed: permission denied", True),
    errno.EPERM: ("unreadable", "may not be changed: operation not permitted", True),
    errno.ENOSPC: ("disk_full", "could not be written: the disk is full", True),
    errno.EDQUOT: ("disk_full", "could not be written: the quota is used up", True),
    errno.EROFS: ("read_only", "could not be written: the file system is read-only", True),
    errno.EIO: ("disk_error", "met an input/output error: the disk may be failing", True),
    errno.ENAMETOOLONG: ("bad_path", "has a name too long for this file system", False),
    errno.ENOTDIR: ("not_a_folder", "has a file where a folder is needed", True),
    errno.EISDIR: ("is_a_folder", "is a folder where a file is needed", True),
    errno.ELOOP: ("symlink", "leads through a symbolic link, which is never followed", True),
    errno.EEXIST: ("occupied", "exists already", True),
    errno.ENOTEMPTY: ("not_empty", "is a folder that is not empty", True),
    errno.EXDEV: ("other_device", "lies on another file system", False),
    errno.ESTALE: ("vanished", "is stale on its network file system", True),
}


def from_os_error(error: OSError, path: str) -> Problem:
    """The problem that an `OSError` means for `path`; an errno not listed keeps the system's own
    words."""
    code, words, retry = _BY_ERRNO.get(
        error.errno or 0, ("os_error", f"failed: {error.strerror or error}", True)
    )
    return Problem(code, f"{path!r} {words}", path=path, retry=retry)
