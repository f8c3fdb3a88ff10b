"""Refusals of an FTP server and errors of the connection, as problems: translated once, here.

An answer has a number that says little: 550 is "it is not there", "you may not" and much else. So
who needs to know what it was looks at the path afterwards.
"""

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from cargo_sync.model.problems import (
    Code,
    Problem,
    ProblemError,
    lacks_descriptors,
    no_descriptors,
)

_SAID: Final = 200
"""Characters of what a server says that are shown."""
_REASONS: Final[Mapping[int, tuple[Code, str, bool]]] = {
    450: (Code.REFUSED, "the server cannot do this with {} now", True),
    452: (Code.DISK_FULL, "the server has no room for {}", True),
    500: (Code.UNSUPPORTED, "the server cannot do this with {}", False),
    501: (Code.UNSUPPORTED, "the server cannot do this with {}", False),
    502: (Code.UNSUPPORTED, "the server cannot do this with {}", False),
    504: (Code.UNSUPPORTED, "the server cannot do this with {}", False),
    550: (Code.REFUSED, "the server could not do this with {}", True),
    552: (Code.OVER_QUOTA, "the user's quota is used up: {}", True),
    553: (Code.REFUSED, "the server does not take this name: {}", True),
}

_FULL: Final[Mapping[str, int]] = {
    "no space left": 452,
    "disk full": 452,
    "quota exceeded": 552,
    "over quota": 552,
}
"""What servers say when there is no room, and the number that they should use."""


class FtpRefusalError(ProblemError):
    """An answer that is not the wanted one. `number` is its number."""

    def __init__(self, problem: Problem, number: int) -> None:
        super().__init__(problem)
        self.number = number


def refused(number: int, text: str, where: str, path: str) -> FtpRefusalError:
    """The error of an answer that is not the wanted one.

    Args:
        number: of the answer.
        text: what the server says.
        where: the server, for people.
        path: what the command was about, relative to the remote's folder; "" for the folder.
    """
    return FtpRefusalError(_of_number(number, text, where, path), number)


def _of_number(number: int, text: str, where: str, path: str) -> Problem:
    name = repr(path) if path else "the folder"
    said = "".join(one if one.isprintable() else "?" for one in text.strip())[:_SAID]
    ending = f": {said}" if said else ""
    for words, full in _FULL.items():
        if words in text.lower() and words not in path.lower():
            number = full
    match number:
        case 421:
            return Problem(Code.BUSY, f"{where} ends the connection{ending}")
        case 425 | 426:
            return Problem(Code.CUT, f"the data connection to {where} failed{ending}", path)
        case 522:
            return Problem(
                Code.TLS,
                f"{where} refuses the data connection, because it does not resume the TLS session "
                f"of the control connection{ending}",
                hint="set require_ssl_reuse=NO on the server (vsftpd), or its like",
            )
        case 530 | 532:
            hint = "check username, and password or password_file"
            return Problem(Code.UNAUTHORIZED, f"{where} refuses this login", hint=hint, retry=False)
    code, words, retry = _REASONS.get(
        number, (Code.REFUSED, f"the server answers {number} about {{}}", True)
    )
    if code is Code.REFUSED and ("ermission denied" in text or "ccess denied" in text):
        code = Code.UNREADABLE
    return Problem(code, words.format(name) + ending, path, retry=retry)


def bad_answer(why: str) -> ProblemError:
    """The problem of an answer that no FTP server would send."""
    hint = "check hostname in the job: is it the address of an FTP server?"
    return ProblemError(
        Problem(Code.BAD_ANSWER, f"the server's answer is not valid: {why}", hint=hint)
    )


def was_cut(where: str) -> ProblemError:
    """The connection is gone."""
    return ProblemError(Problem(Code.CUT, f"the connection to {where} was cut"))


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Errors of the connection in the block become a ProblemError.

    Raises:
        ProblemError: instead of errors of TLS and the system.
    """
    try:
        yield
    except (OSError, EOFError, UnicodeError) as error:
        raise ProblemError(_of_connection(error, where)) from error
    except ValueError as error:  # a line without an end
        raise bad_answer("a line of it is too long") from error


def _of_connection(error: Exception, where: str) -> Problem:
    match error:
        case ssl.SSLCertVerificationError():
            return Problem(
                Code.CERTIFICATE,
                f"the certificate of {where} is not trusted: {error.verify_message}",
                hint="set ca_file in the job to its CA, or tls_fingerprint",
                retry=False,
            )
        case ssl.SSLError():
            return Problem(
                Code.TLS,
                f"{where} and Cargo cannot encrypt the connection",
                hint="is the port right? TLS begins at once on port 990, elsewhere after a command",
            )
        case socket.gaierror() | UnicodeError():
            hint = "check hostname in the job"
            return Problem(Code.UNKNOWN_HOST, f"there is no host {where}", hint=hint)
        case TimeoutError():
            return Problem(Code.UNREACHABLE, f"{where} does not answer")
        case ConnectionRefusedError():
            return Problem(Code.UNREACHABLE, f"{where} cannot be reached: connection refused")
        case OSError() if lacks_descriptors(error):
            return no_descriptors(f"a connection to {where}")
        case OSError() if not isinstance(error, ConnectionError) and error.errno:
            why = os.strerror(error.errno).lower()
            return Problem(Code.UNREACHABLE, f"{where} cannot be reached: {why}")
    return was_cut(where).problem
