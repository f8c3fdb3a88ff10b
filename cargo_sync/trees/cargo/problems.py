"""The problems of all calls: from aiohttp's exceptions, and from replies that cannot be decoded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from cargo_sync.model.documents import parsed
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.http_problems import connection_problem
from cargo_sync.trees.cargo.replies import VALUES, Decoder, ErrorReply, T, reason

_NO_TLS: Final = "should the address begin with http:// instead of https://?"
_UNTRUSTED: Final = (
    "set tls_fingerprint in the job to the fingerprint that the server prints at start, or ca_file "
    "to its CA"
)
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
        problem = connection_problem(error, parts.netloc, _NO_TLS, _UNTRUSTED)
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
