"""Why something failed: a value for programs, a sentence for people.

Exceptions of libraries (OSError, sqlite3.Error, aiohttp's) are translated into a `ProblemError`
once, where they come in. Code that decides what happens next looks at `retry`, never at which
library raised the exception.
"""

import errno
import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

LONGEST_TEXT: Final = 1000
LONGEST_CODE: Final = 64
"""Characters of what the other side sends."""


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
    RESERVED_NAME = "reserved_name"
    BAD_TIME = "bad_time"
    NO_XATTRS = "no_xattrs"
    NAME_COLLISION = "name_collision"
    DAMAGED = "damaged"
    NOT_A_FOLDER = "not_a_folder"
    IS_A_FOLDER = "is_a_folder"
    NOT_A_FILE = "not_a_file"
    NOT_EMPTY = "not_empty"
    IN_USE = "in_use"
    # A file system.
    DISK_FULL = "disk_full"
    OVER_QUOTA = "over_quota"
    DISK_ERROR = "disk_error"
    READ_ONLY = "read_only"
    WRITE_ONLY = "write_only"
    OTHER_DEVICE = "other_device"
    NO_DESCRIPTORS = "no_descriptors"
    OS_ERROR = "os_error"
    # The folder of a job or of a workspace.
    NOT_OPEN = "not_open"
    ROOT_GONE = "root_gone"
    ROOT_REPLACED = "root_replaced"
    ROOT_IN_USE = "root_in_use"
    ROOT_HELD = "root_held"
    ELSEWHERE = "elsewhere"
    NOT_MOVED = "not_moved"
    BELOW_QUORUM = "below_quorum"
    MARKER_LOST = "marker_lost"
    BAD_MARKER = "bad_marker"
    FOREIGN_FOLDER = "foreign_folder"
    UNWATCHED = "unwatched"
    WATCH_LIMIT = "watch_limit"
    # The connection to the other side.
    UNREACHABLE = "unreachable"
    UNKNOWN_HOST = "unknown_host"
    TIMEOUT = "timeout"
    CUT = "cut"
    THROTTLED = "throttled"
    BUSY = "busy"
    STOPPED = "stopped"
    IDLE = "idle"
    ADDRESS = "address"
    # Identity of the server and of the user.
    UNAUTHORIZED = "unauthorized"
    LOGGED_OUT = "logged_out"
    EXPIRED = "expired"
    FOREIGN_NETWORK = "foreign_network"
    IN_FILE = "in_file"
    SERVER_RESTORED = "server_restored"
    STATE_RESTORED = "state_restored"
    STATE_COPIED = "state_copied"
    FENCED = "fenced"
    CERTIFICATE = "certificate"
    TLS = "tls"
    PLAIN = "plain"
    PYDIO_SERVER = "pydio_server"
    # Answers of the other side.
    UNKNOWN = "unknown"
    UNKNOWN_WORKSPACE = "unknown_workspace"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"
    STORE_FAILED = "store_failed"
    UNANSWERED = "unanswered"
    BAD_ANSWER = "bad_answer"
    BAD_REQUEST = "bad_request"
    BAD_RANGE = "bad_range"
    METHOD = "method"
    NO_LENGTH = "no_length"
    STALE = "stale"
    TOO_LARGE = "too_large"
    # One file that is being transferred.
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"
    OVERTAKEN = "overtaken"
    FORGOTTEN = "forgotten"
    PROTOCOL = "protocol"
    VERSION = "version"
    INCOMPLETE = "incomplete"
    CORRUPT = "corrupt"
    # Our own files, our own state, and our own mistakes.
    BAD_SETTINGS = "bad_settings"
    STATE_IN_USE = "state_in_use"
    STATE_LOCKED = "state_locked"
    STATE_NEWER = "state_newer"
    STATE_OTHER = "state_other"
    STATE_DAMAGED = "state_damaged"
    STATE_ERROR = "state_error"
    DATABASE_AWAY = "database_away"
    BAD_VALUE = "bad_value"
    FAILED = "failed"
    INTERNAL = "internal"
    OTHER = "other"
    """A code that this version does not know: `Problem.foreign` keeps its text."""


NOTICES: Final = frozenset({Code.RESERVED_NAME, Code.BAD_TIME, Code.NO_XATTRS})
"""Codes of what is said about a name in a folder although nothing failed."""
NO_ROOM: Final = frozenset({Code.DISK_FULL, Code.OVER_QUOTA})
"""Codes of files for which a destination has no room: they are tried again when there may be."""
FENCES: Final = frozenset({Code.SERVER_RESTORED, Code.STATE_RESTORED, Code.STATE_COPIED})
"""Codes of what stops a job until a person approves that both sides are compared afresh."""
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure.

    code     what programs compare
    message  a sentence for people: what happened, to what
    path     the path it happened to, relative to its root; "" when it concerns the whole
    hint     what to do about it, or ""
    retry    whether the same thing may succeed later without a person's help
    foreign  the code that the other side sent, if this version does not know it; `code` is then
             OTHER
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
        """A problem that the other side sent: its version may know codes that ours does not.

        Its texts are cut: they are kept in the state and shown, and the other side chooses them.
        """
        message, hint = (_cut(text, LONGEST_TEXT) for text in (message, hint))
        code = _cut(code, LONGEST_CODE)
        try:
            known = Code(code)
        except ValueError:
            known = Code.OTHER
        return cls(known, message, path, hint, retry, code if known is Code.OTHER else "")

    @property
    def code_text(self) -> str:
        """The code as it is passed on: an unknown one unchanged."""
        return self.foreign if self.code is Code.OTHER else self.code.value

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ProblemError(Exception):
    """Carries a `Problem` up to the code that decides what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem

    def at(self, path: str) -> "ProblemError":
        """The same problem, for `path`."""
        return ProblemError(replace(self.problem, path=path))


class LaterError(ProblemError):
    """Not now: the same request may succeed after `seconds`."""

    def __init__(self, problem: Problem, seconds: float) -> None:
        super().__init__(problem)
        self.seconds = seconds


def bad_request(message: str, hint: str = "") -> ProblemError:
    """The refusal of a request that is not valid."""
    return ProblemError(Problem(Code.BAD_REQUEST, message, hint=hint, retry=False))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


_HINTS: dict[int, str] = {
    errno.ENOSPC: "free some space on that disk",
    errno.EDQUOT: "delete some files there, or get a larger quota",
}
_BY_ERRNO: dict[int, tuple[Code, str, bool]] = {
    errno.ENOENT: (Code.VANISHED, "does not exist", True),
    errno.EACCES: (Code.UNREADABLE, "cannot be accessed: permission denied", True),
    errno.EPERM: (Code.UNREADABLE, "cannot be changed: operation not permitted", True),
    errno.ENOSPC: (Code.DISK_FULL, "could not be written: the disk is full", True),
    errno.EDQUOT: (Code.DISK_FULL, "could not be written: the quota is used up", True),
    errno.EROFS: (Code.READ_ONLY, "could not be written: the file system is read-only", True),
    errno.EIO: (Code.DISK_ERROR, "had an input/output error: the disk may be failing", True),
    errno.ENAMETOOLONG: (Code.BAD_PATH, "has a name too long for this file system", False),
    errno.ENOTDIR: (Code.NOT_A_FOLDER, "has a file where a folder is needed", True),
    errno.EISDIR: (Code.IS_A_FOLDER, "is a folder where a file is needed", True),
    errno.ELOOP: (Code.SYMLINK, "leads through a symbolic link, which is never followed", True),
    errno.EEXIST: (Code.OCCUPIED, "already exists", True),
    errno.ENOTEMPTY: (Code.NOT_EMPTY, "is a folder that is not empty", True),
    errno.EXDEV: (Code.OTHER_DEVICE, "is on another file system", False),
    errno.ESTALE: (Code.VANISHED, "is stale on its network file system", True),
}


def from_os_error(error: OSError, path: str) -> Problem:
    """The problem that an `OSError` means for `path`.

    An errno that is not in the table keeps the system's own message.
    """
    if lacks_descriptors(error):
        return no_descriptors(repr(path), path)
    code, words, retry = _BY_ERRNO.get(
        error.errno or 0, (Code.OS_ERROR, f"failed: {error.strerror or error}", True)
    )
    hint = _HINTS.get(error.errno or 0, "")
    return Problem(code, f"{path!r} {words}", path=path, hint=hint, retry=retry)


def lacks_descriptors(error: OSError | None) -> bool:
    """Whether a file or socket was not opened because too many are open."""
    return error is not None and error.errno in (errno.EMFILE, errno.ENFILE)


def no_descriptors(what: str, path: str = "") -> Problem:
    """A file or a connection was not opened because too many are open."""
    message = f"{what} could not be opened: too many files and connections are open"
    return Problem(Code.NO_DESCRIPTORS, message, path, "raise the limit of open files")


def unopened_port(host: str, port: int, error: OSError, hint: str) -> Problem:
    """A port of ours could not be opened, so nobody can connect to it."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    message = f"the port {where} cannot be opened: {error.strerror or error}"
    return Problem(Code.ADDRESS, message, hint=hint)


def changed(path: str) -> Problem:
    """The entry at `path` is not the one that the plan saw: the next run plans again."""
    return Problem(Code.CHANGED, f"{path!r} has changed since it was last checked", path)


def name_collision(path: str, first: str) -> Problem:
    """The file system of the destination cannot have this name beside another one."""
    message = f"{path!r} cannot be kept beside {first!r}: this file system takes them for one name"
    return Problem(Code.NAME_COLLISION, message, path, "rename one of them")


def bad_time(path: str, mtime_ns: int, kept_ns: int) -> Problem:
    """The modification time of a file, ns since 1970, is kept as another one.

    The file is not left out: this is a notice (NOTICES).
    """
    message = f"{path!r} has the time {_utc(mtime_ns)}; its copies get the nearest possible one,"
    return Problem(Code.BAD_TIME, f"{message} {_utc(kept_ns)}", path, retry=False)


def _utc(time_ns: int) -> str:
    seconds = time_ns // 10**9
    try:
        return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:  # before the year 1 or after 9999
        return f"{seconds:,} s after 1970"


def changed_while_read(path: str) -> Problem:
    """A file was written to while its content was read: what was read is discarded."""
    return Problem(Code.CHANGED, f"{path!r} changed while it was read", path, "it is tried again")


def not_as_delivered(path: str) -> Problem:
    """A source file differs from what was delivered of it, so it stays where it is."""
    return Problem(Code.CHANGED, f"{path!r} has changed since it was delivered; it stays", path)


def server_restored(job: str, how: str) -> Problem:
    """The server has less than it had when a job last met it; `how` says in which way."""
    return Problem(
        Code.SERVER_RESTORED,
        f"{how}: nothing is moved until you approve it",
        hint=f"`cargo_ctl job approve {shlex.quote(job)}` compares both sides afresh: what only "
        "one side has is kept, and nothing is deleted",
        retry=False,
    )


def adds_only(where: str, change: str) -> Problem:
    """A job wants more of a drop box than to add files; `change` says what to change in it."""
    return Problem(
        Code.WRITE_ONLY,
        f"you may only add files to {where}, and this job would do more: nothing is moved",
        hint=f'{change}, or ask the person who runs the server to grant "rw"',
        retry=False,
    )


def state_restored(job: str) -> Problem:
    """The server has met a newer state of this job than this one."""
    return Problem(
        Code.STATE_RESTORED,
        "this job's memory is older than what its server has seen of it, as after a backup of the "
        "daemon's state was restored: nothing is moved until you approve it",
        hint=f"put the newer state back, or `cargo_ctl job approve {shlex.quote(job)}`: it "
        "compares both sides afresh, what only one side has is kept, and nothing is deleted",
        retry=False,
    )


def state_copied(job: str) -> Problem:
    """The server has met a copy of this job's state, from another place."""
    return Problem(
        Code.STATE_COPIED,
        "a copy of this daemon's state is in use too, on another machine or in another folder: "
        "nothing is moved until you approve it",
        hint=f"stop the daemon that should not run, or `cargo_ctl job approve {shlex.quote(job)}`: "
        "this job then is another one for the server, compares both sides afresh, and nothing is "
        "deleted",
        retry=False,
    )


def damaged(path: str, job: str) -> Problem:
    """An unclean stop has damaged the file at `path`, at the source of a job."""
    return Problem(
        Code.DAMAGED,
        f"{path!r} was damaged when the daemon or its machine stopped suddenly: with the same time "
        "it is smaller than before, or holds only zeros",
        path,
        "restore it, or give it a new time; "
        f"`cargo_ctl job approve {shlex.quote(job)}` sends it as it is",
        retry=False,
    )


def damaged_there(path: str) -> Problem:
    """An unclean stop of the server has damaged its file at `path`."""
    return Problem(
        Code.DAMAGED,
        f"{path!r} was damaged on the server when the server stopped suddenly",
        path,
        "upload it again, or restore it on the server and give it a new time",
        retry=False,
    )
