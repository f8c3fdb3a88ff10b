"""Why something failed: a value for programs, a sentence for people.

Foreign exceptions (OSError, sqlite3.Error, aiohttp's) are translated into a `ProblemError` once, at
the edge where they come in. Whoever decides what happens next asks `retry`, never which library
raised.
"""

import errno
from dataclasses import dataclass, replace
from enum import StrEnum


class Code(StrEnum):
    """What went wrong, for programs. docs/control-protocol.md lists them with their meanings."""

    # One path.
    VANISHED = "vanished"
    CHANGED = "changed"
    OCCUPIED = "occupied"
    UNREADABLE = "unreadable"
    SYMLINK = "symlink"
    SPECIAL = "special"
    BAD_PATH = "bad_path"
    BAD_NAME = "bad_name"
    NOT_A_FOLDER = "not_a_folder"
    IS_A_FOLDER = "is_a_folder"
    NOT_A_FILE = "not_a_file"
    NOT_EMPTY = "not_empty"
    # A file system.
    DISK_FULL = "disk_full"
    DISK_ERROR = "disk_error"
    READ_ONLY = "read_only"
    OTHER_DEVICE = "other_device"
    OS_ERROR = "os_error"
    # The folder of a job or of a workspace.
    NOT_OPEN = "not_open"
    ROOT_GONE = "root_gone"
    ROOT_REPLACED = "root_replaced"
    ROOT_IN_USE = "root_in_use"
    MARKER_LOST = "marker_lost"
    BAD_MARKER = "bad_marker"
    UNWATCHED = "unwatched"
    WATCH_LIMIT = "watch_limit"
    # The way to the other side.
    UNREACHABLE = "unreachable"
    UNKNOWN_HOST = "unknown_host"
    TIMEOUT = "timeout"
    CUT = "cut"
    THROTTLED = "throttled"
    BUSY = "busy"
    STOPPED = "stopped"
    ADDRESS = "address"
    # Who answers there, and to whom.
    UNAUTHORIZED = "unauthorized"
    CERTIFICATE = "certificate"
    TLS = "tls"
    PLAIN = "plain"
    PYDIO_SERVER = "pydio_server"
    # What the other side says.
    UNKNOWN = "unknown"
    UNKNOWN_WORKSPACE = "unknown_workspace"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"
    STORE_FAILED = "store_failed"
    UNANSWERED = "unanswered"
    BAD_REQUEST = "bad_request"
    BAD_RANGE = "bad_range"
    METHOD = "method"
    NO_LENGTH = "no_length"
    STALE = "stale"
    TOO_LARGE = "too_large"
    # One file on its way.
    CANCELLED = "cancelled"
    OVERTAKEN = "overtaken"
    FORGOTTEN = "forgotten"
    PROTOCOL = "protocol"
    VERSION = "version"
    INCOMPLETE = "incomplete"
    CORRUPT = "corrupt"
    # Our own state, and our own mistakes.
    STATE_IN_USE = "state_in_use"
    STATE_LOCKED = "state_locked"
    STATE_NEWER = "state_newer"
    STATE_OTHER = "state_other"
    STATE_DAMAGED = "state_damaged"
    STATE_ERROR = "state_error"
    BAD_VALUE = "bad_value"
    FAILED = "failed"
    INTERNAL = "internal"
    OTHER = "other"
    """A code that this version does not know: `Problem.foreign` keeps its text."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure.

    code     what programs compare
    message  a sentence for people: what happened, to what
    path     the path it happened to, relative to its root; "" when it is about the whole
    hint     what to do about it, or ""
    retry    whether the same thing may succeed later without anybody's help
    foreign  the code in the other side's words, when it is none of ours; `code` is then OTHER
    """

    code: Code
    message: str
    path: str = ""
    hint: str = ""
    retry: bool = True
    foreign: str = ""

    @classmethod
    def received(
        cls, code: str, message: str, path: str = "", hint: str = "", retry: bool = True
    ) -> "Problem":
        """A problem that the other side tells of: its version may know codes that ours does not."""
        try:
            known = Code(code)
        except ValueError:
            known = Code.OTHER
        return cls(known, message, path, hint, retry, code if known is Code.OTHER else "")

    @property
    def code_text(self) -> str:
        """The code as it is passed on: a foreign one as it came."""
        return self.foreign if self.code is Code.OTHER else self.code.value

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


_BY_ERRNO: dict[int, tuple[Code, str, bool]] = {
    errno.ENOENT: (Code.VANISHED, "is not there", True),
    errno.EACCES: (Code.UNREADABLE, "may not be accessed: permission denied", True),
    errno.EPERM: (Code.UNREADABLE, "may not be changed: operation not permitted", True),
    errno.ENOSPC: (Code.DISK_FULL, "could not be written: the disk is full", True),
    errno.EDQUOT: (Code.DISK_FULL, "could not be written: the quota is used up", True),
    errno.EROFS: (Code.READ_ONLY, "could not be written: the file system is read-only", True),
    errno.EIO: (Code.DISK_ERROR, "met an input/output error: the disk may be failing", True),
    errno.ENAMETOOLONG: (Code.BAD_PATH, "has a name too long for this file system", False),
    errno.ENOTDIR: (Code.NOT_A_FOLDER, "has a file where a folder is needed", True),
    errno.EISDIR: (Code.IS_A_FOLDER, "is a folder where a file is needed", True),
    errno.ELOOP: (Code.SYMLINK, "leads through a symbolic link, which is never followed", True),
    errno.EEXIST: (Code.OCCUPIED, "exists already", True),
    errno.ENOTEMPTY: (Code.NOT_EMPTY, "is a folder that is not empty", True),
    errno.EXDEV: (Code.OTHER_DEVICE, "lies on another file system", False),
    errno.ESTALE: (Code.VANISHED, "is stale on its network file system", True),
}


def from_os_error(error: OSError, path: str) -> Problem:
    """The problem that an `OSError` means for `path`; an errno not listed keeps the system's own
    words."""
    code, words, retry = _BY_ERRNO.get(
        error.errno or 0, (Code.OS_ERROR, f"failed: {error.strerror or error}", True)
    )
    return Problem(code, f"{path!r} {words}", path=path, retry=retry)


def changed(path: str) -> Problem:
    """What stands at `path` is not what was seen there: whoever planned with it plans again."""
    return Problem(Code.CHANGED, f"{path!r} has changed since it was last looked at", path)


def changed_while_read(path: str) -> Problem:
    """A file was written to while its content was read: what was read is thrown away."""
    return Problem(Code.CHANGED, f"{path!r} changed while it was read", path, "it is tried again")


def not_as_delivered(path: str) -> Problem:
    """A source file differs from what was delivered of it, and therefore stays where it is."""
    return Problem(Code.CHANGED, f"{path!r} is not what was delivered any more; it stays", path)
