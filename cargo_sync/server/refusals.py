"""The server's refusals, as errors that do not depend on HTTP.

Something that belongs to others and something that does not exist are refused in the same way. What
a user reads holds no absolute path of the server: `public` says the same without it.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError

_ABSOLUTE: Final = re.compile(r"""['"]/|the database '""")
"""Where a message quotes an absolute path, or names the database: all our messages quote paths."""
_OF_THE_USER: Final = frozenset({Code.BAD_PATH, Code.BAD_REQUEST, Code.RESERVED_NAME})
"""Their messages quote what the user sent."""
_PUBLIC: Final[Mapping[str, str]] = {
    Code.ROOT_GONE: "the folder of this workspace is not there",
    Code.ROOT_REPLACED: "another folder is at the place of this workspace",
    Code.ROOT_IN_USE: "the folder of this workspace is in use by another process",
    Code.DATABASE_AWAY: "the server's database does not answer",
    Code.DISK_FULL: "the server's disk is full",
    Code.DISK_ERROR: "the server's disk reports an error",
    Code.READ_ONLY: "the server's file system is read-only",
    Code.UNREADABLE: "the server has no permission for the folder of this workspace",
}
_OTHERWISE: Final = "the server cannot do this now"
_HINT: Final = "the person who runs the server can find the cause and mend it"


def public_message(code: str, message: str) -> str:
    """A problem's message as a user may read it."""
    if code in _OF_THE_USER or not _ABSOLUTE.search(message):
        return message
    return f"{_PUBLIC.get(code, _OTHERWISE)} ({_HINT})"


def public(problem: Problem) -> Problem:
    """A problem as a user may read it: without absolute paths of the server."""
    if problem.code in _OF_THE_USER or not _ABSOLUTE.search(f"{problem.message} {problem.hint}"):
        return problem
    return replace(problem, message=_PUBLIC.get(problem.code, _OTHERWISE), hint=_HINT)


def unauthorized(
    message: str = "user name or password is wrong, or the token has expired",
) -> ProblemError:
    """The refusal of a request without a valid login."""
    return ProblemError(
        Problem(Code.UNAUTHORIZED, message, hint="log in at /v1/login", retry=False)
    )


def unknown(what: str) -> ProblemError:
    """The refusal of something that does not exist or belongs to others: the answer is the same."""
    return ProblemError(Problem(Code.UNKNOWN, f"there is no {what} here", retry=False))


def read_only(workspace: str) -> ProblemError:
    """The refusal of a change in a workspace that the user may only read."""
    message = f'you may read the workspace "{workspace}" but not change it'
    hint = 'the person who runs the server can grant "rw"'
    return ProblemError(Problem(Code.READ_ONLY, message, hint=hint, retry=False))


def read_only_folder(workspace: str) -> ProblemError:
    """The refusal of a change in a folder on a read-only file system."""
    message = f'the folder of the workspace "{workspace}" is on a read-only file system'
    hint = "the person who runs the server can mount it writable"
    return ProblemError(Problem(Code.READ_ONLY, message, hint=hint, retry=False))


def write_only(workspace: str) -> ProblemError:
    """The refusal of what a user may not do who may only add files."""
    message = (
        f'you may add files to the workspace "{workspace}", but not read, change or remove '
        "what is there"
    )
    hint = 'the person who runs the server can grant "ro" or "rw"'
    return ProblemError(Problem(Code.WRITE_ONLY, message, hint=hint, retry=False))


def access_changed(workspace: str) -> ProblemError:
    """The refusal of what began with another access than the user has now."""
    message = f'your access to the workspace "{workspace}" has changed on the server meanwhile'
    return ProblemError(Problem(Code.LOGGED_OUT, message, hint="log in again"))


def occupied(path: str) -> Problem:
    """The problem of a file that is added where something is already."""
    message = f"something is at {path!r} already, and you may only add files here"
    return Problem(Code.OCCUPIED, message, path, hint="give it another name")
