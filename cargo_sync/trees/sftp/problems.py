"""Errors of SSH and SFTP, as problems: translated once, here."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncssh

from cargo_sync.model.problems import Code, Problem, ProblemError

_FAILED: Final = "check the folder, and the log of the server"
_REASONS: Final[dict[type[asyncssh.SFTPError], tuple[Code, str, bool]]] = {
    asyncssh.SFTPNoSuchFile: (Code.VANISHED, "{} does not exist", True),
    asyncssh.SFTPNoSuchPath: (Code.VANISHED, "{} does not exist", True),
    asyncssh.SFTPPermissionDenied: (Code.UNREADABLE, "the server does not allow this: {}", True),
    asyncssh.SFTPWriteProtect: (Code.READ_ONLY, "the server cannot write here: {}", True),
    asyncssh.SFTPFileAlreadyExists: (Code.OCCUPIED, "{} is there already", True),
    asyncssh.SFTPDirNotEmpty: (Code.NOT_EMPTY, "{} is not empty", True),
    asyncssh.SFTPNotADirectory: (Code.NOT_A_FOLDER, "{} is not a folder", True),
    asyncssh.SFTPFileIsADirectory: (Code.IS_A_FOLDER, "{} is a folder", True),
    asyncssh.SFTPNoSpaceOnFilesystem: (Code.DISK_FULL, "the server's disk is full: {}", True),
    asyncssh.SFTPQuotaExceeded: (Code.OVER_QUOTA, "the user's quota is used up: {}", True),
    asyncssh.SFTPInvalidFilename: (Code.BAD_NAME, "the server cannot hold this name: {}", False),
    asyncssh.SFTPOpUnsupported: (Code.UNSUPPORTED, "the server cannot do this: {}", False),
}
CUT: Final = (
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPNoConnection,
    asyncssh.ConnectionLost,
    BrokenPipeError,
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
    except asyncssh.SFTPError as error:
        raise ProblemError(_of_sftp(error, path)) from error
    except (asyncssh.Error, TimeoutError, OSError) as error:
        raise ProblemError(_of_ssh(error, where)) from error


def _of_sftp(error: asyncssh.SFTPError, path: str) -> Problem:
    name = repr(path) if path else "the folder"
    for kind, (code, text, retry) in _REASONS.items():
        if isinstance(error, kind):
            return Problem(code, text.format(name), path, retry=retry)
    said = f": {error.reason[:200]}" if error.reason else ""
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
            return Problem(Code.CUT, f"{where} ended the connection: {error.reason[:200]}")
        case socket.gaierror():
            hint = "check hostname in the job"
            return Problem(Code.UNKNOWN_HOST, f"there is no host {where}", hint=hint)
        case TimeoutError():
            return Problem(Code.UNREACHABLE, f"{where} does not answer")
        case OSError():
            why = os.strerror(error.errno).lower() if error.errno else "no answer"
            return Problem(Code.UNREACHABLE, f"{where} cannot be reached: {why}")
    return Problem(Code.CUT, f"the connection to {where} was cut")
