"""The problems of all calls: from aiohttp's exceptions, and from replies that cannot be decoded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from cargo_sync.model.documents import parsed
from cargo_sync.model.problems import Code, Problem, ProblemError, lacks_descriptors, no_descriptors
from cargo_sync.trees.cargo.replies import VALUES, Decoder, ErrorReply, T, reason

_PERHAPS_TLS: Final = "does the server use TLS? then its address begins with https://"


@contextmanager
def translated(url: str, *, known: bool = False) -> Iterator[None]:
    """Turns exceptions of the connection to `url` into ProblemError.

    Args:
        url: of the server.
        known: it has answered before, so it does not need TLS.
    """
    try:
        yield
    except (aiohttp.ClientError, OSError, UnicodeError) as error:
        parts = urlsplit(url)
        problem = _problem(error, parts.netloc)
        if problem.code == Code.CUT and parts.scheme == "http" and not known:
            problem = replace(problem, hint=_PERHAPS_TLS)
        raise ProblemError(problem) from error


def decoded(decode: Decoder[T], content: bytes) -> T:
    """Decodes a reply.

    Only this step blames the server for a reply's form; what fails after it is our own mistake.

    Raises:
        ProblemError: the reply cannot be decoded.
    """
    try:
        return decode(parsed(content, VALUES))
    except ValueError as error:
        raise bad_answer(reason(error)) from error


def bad_answer(why: str) -> ProblemError:
    """The problem of a reply that no Cargo server would send."""
    return ProblemError(
        Problem(
            Code.BAD_ANSWER,
            f"the server's answer is not valid: {why}",
            hint="check that hostname is the address of a Cargo server",
        )
    )


def asks_for_tls(body: bytes) -> bool:
    """Whether this is the body of a Cargo server's answer to a connection without TLS."""
    try:
        return ErrorReply.read(parsed(body, VALUES)).error.code == Code.TLS
    except ValueError:
        return False


def needs_tls(where: str) -> Problem:
    """The problem of a server with TLS that was asked without it."""
    return Problem(
        Code.TLS, f"{where} needs TLS", hint="its address begins with https://, not http://"
    )


def _reason(error: OSError) -> str:
    """The system's message; the one in the exception is asyncio's own, with an address."""
    return os.strerror(error.errno).lower() if error.errno else "no answer"


def _problem(error: aiohttp.ClientError | OSError | UnicodeError, where: str) -> Problem:
    match error:
        case aiohttp.ServerFingerprintMismatch():
            return Problem(
                Code.CERTIFICATE,
                f"{where} shows another certificate than the trusted one: sha256:{error.got.hex()}",
                hint="if this is the server's new certificate, set tls_fingerprint in the job to "
                "it",
                retry=False,
            )
        case aiohttp.ClientConnectorCertificateError():
            return Problem(
                Code.CERTIFICATE,
                f"the certificate of {where} is not trusted",
                hint="set tls_fingerprint in the job to the fingerprint that the server prints at "
                "start, or ca_file to its CA",
                retry=False,
            )
        case aiohttp.ClientConnectorDNSError() | UnicodeError():  # a label of more than 63 letters
            return Problem(
                Code.UNKNOWN_HOST,
                f"there is no host {where}",
                hint="check hostname in the job",
            )
        case aiohttp.ClientSSLError():
            return Problem(
                Code.TLS,
                f"{where} does not use TLS",
                hint="should the address begin with http:// instead of https://?",
            )
        case aiohttp.ClientConnectorError() if lacks_descriptors(error.os_error):
            return no_descriptors(f"a connection to {where}")
        case aiohttp.ClientConnectorError():
            return Problem(
                Code.UNREACHABLE, f"{where} cannot be reached: {_reason(error.os_error)}"
            )
        case TimeoutError():
            return Problem(Code.UNREACHABLE, f"{where} does not answer")
        case aiohttp.ServerDisconnectedError():
            return Problem(Code.CUT, f"{where} closed the connection without an answer")
        case _:
            return Problem(Code.CUT, f"the connection to {where} was cut")
