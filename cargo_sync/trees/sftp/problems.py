"""Errors of SSH and SFTP, as problems: translated once, here."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncssh

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.wire.sftp.packets import SftpError, SftpFormatError, Status

_SAID: Final = 200
"""Characters that are shown of a server's own words."""
_FAILED: Final = "check the folder, and the log of the server"
_REASONS: Final[dict[int, tuple[Code, str, bool]]] = {
    Status.NO_SUCH_FILE: (Code.VANISHED, "{} does not exist", True),
    Status.NO_SUCH_PATH: (Code.VANISHED, "{} does not exist", True),
    Status.PERMISSION_DENIED: (Code.UNREADABLE, "the server does not allow this: {}", True),
    Status.WRITE_PROTECT: (Code.READ_ONLY, "the server cannot write here: {}", True),
    Status.ALREADY_EXISTS: (Code.OCCUPIED, "{} is there already", True),
    Status.DIR_NOT_EMPTY: (Code.NOT_EMPTY, "{} is not empty", True),
    Status.NOT_A_DIRECTORY: (Code.NOT_A_FOLDER, "{} is not a folder", True),
    Status.IS_A_DIRECTORY: (Code.IS_A_FOLDER, "{} is a folder", True),
    Status.NO_SPACE: (Code.DISK_FULL, "the server's disk is full: {}", True),
    Status.QUOTA_EXCEEDED: (Code.OVER_QUOTA, "the user's quota is used up: {}", True),
    Status.INVALID_NAME: (Code.BAD_NAME, "the server cannot hold this name: {}", False),
    Status.UNSUPPORTED: (Code.UNSUPPORTED, "the server cannot do this: {}", False),
}
_GONE: Final = frozenset({Status.NO_CONNECTION, Status.CONNECTION_LOST})
CUT: Final = (
    asyncssh.ConnectionLost,
    ConnectionError,
)
"""The connection is gone: another one may be opened."""


@contextmanager
def translated(where: str, path: str) -> Iterator[None]:
    """What the library raises in the block becomes a ProblemError.

    Args:
        where: the server, for people.
        path: what the call is about, relative to the remote's folder; "" for the folder.

    Raises:
        ProblemError: instead of errors of SSH, SFTP and the system.
    """
    try:
        yield
    except CUT as error:
        raise ProblemError(Problem(Code.CUT, f"the connection to {where} was cut")) from error
    except SftpError as error:
        raise ProblemError(of_sftp(error, where, path)) from error
    except SftpFormatError as error:
        message = f"{where} answers with something that is not SFTP: {error}"
        raise ProblemError(Problem(Code.CUT, message)) from error
    except (asyncssh.Error, TimeoutError, OSError) as error:
        raise ProblemError(_of_ssh(error, where)) from error


def of_sftp(error: SftpError, where: str, path: str) -> Problem:
    """What a server's refusal of a call about `path` means. `where` is the server, for people."""
    if error.code in _GONE:
        return Problem(Code.CUT, f"the connection to {where} was cut")
    name = repr(path) if path else "the folder"
    if (reason := _REASONS.get(error.code)) is not None:
        code, words, retry = reason
        return Problem(code, words.format(name), path, retry=retry)
    said = f": {words}" if (words := _plain(error.said)) else ""
    message = f"the server could not do this with {name}{said}"
    return Problem(Code.OS_ERROR, message, path, hint=_FAILED)


def _of_ssh(error: Exception, where: str) -> Problem:
    match error:
        case asyncssh.PermissionDenied():
            return Problem(
                Code.UNAUTHORIZED,
                f"{where} refuses this login",
                hint="check username, and password_file, key_file or the keys of the agent",
                retry=False,
            )
        case asyncssh.HostKeyNotVerifiable():
            return Problem(Code.CERTIFICATE, f"the host key of {where} is not trusted", retry=False)
        case asyncssh.KeyExchangeFailed() | asyncssh.ProtocolNotSupported():
            return Problem(
                Code.TLS,
                f"{where} and Cargo have no way to encrypt in common",
                hint="the server's SSH is too old; update it",
                retry=False,
            )
        case asyncssh.ChannelOpenError():
            return Problem(Code.REFUSED, f"{where} offers no SFTP", hint="is `Subsystem sftp` set?")
        case asyncssh.Error():
            return Problem(Code.CUT, f"{where} ended the connection: {_plain(error.reason)}")
        case socket.gaierror():
            hint = "check hostname in the job"
            return Problem(Code.UNKNOWN_HOST, f"there is no host {where}", hint=hint)
        case TimeoutError():
            return Problem(Code.UNREACHABLE, f"{where} does not answer")
        case OSError():
            why = os.strerror(error.errno).lower() if error.errno else "no answer"
            return Problem(Code.UNREACHABLE, f"{where} cannot be reached: {why}")
    return Problem(Code.CUT, f"the connection to {where} was cut")


def _plain(text: str) -> str:
    """A server's own words on one line, cut."""
    return "".join(one if one.isprintable() else " " for one in text[:_SAID]).strip()
