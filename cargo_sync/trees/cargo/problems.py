"""aiohttp's exceptions as problems, in one place for all calls."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import aiohttp

from cargo_sync.model.problems import Code, Problem, ProblemError


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Raises ProblemError for whatever a call to the server at `url` raises."""
    try:
        yield
    except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError) as error:
        raise ProblemError(_problem(error, urlsplit(url).netloc)) from error


@contextmanager
def well_formed() -> Iterator[None]:
    """An answer of the wrong shape is a problem with the server, never an exception of ours."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ProblemError(_malformed("the server", error)) from error


def _reason(error: OSError) -> str:
    """The system's own words; asyncio puts its own, with an address, in their place."""
    return os.strerror(error.errno).lower() if error.errno else "no answer"


def _malformed(where: str, error: Exception) -> Problem:
    return Problem(Code.PROTOCOL, f"{where} answered what no Cargo server answers: {error!r}")


def _problem(error: Exception, where: str) -> Problem:
    match error:
        case aiohttp.ServerFingerprintMismatch():
            return Problem(
                Code.CERTIFICATE,
                f"{where} shows another certificate than the one trusted here: sha256:{error.got.hex()}",
                hint="if that is the server's new one, put it into the job as tls_fingerprint",
                retry=False,
            )
        case aiohttp.ClientConnectorCertificateError():
            return Problem(
                Code.CERTIFICATE,
                f"the certificate of {where} is not trusted",
                hint="put the fingerprint that the server prints at start into the job as tls_fingerprint, "
                "or its CA as ca_file",
                retry=False,
            )
        case aiohttp.ClientConnectorDNSError():
            return Problem(
                Code.UNKNOWN_HOST, f"there is no host {where}", hint="look at hostname in the job"
            )
        case aiohttp.ClientSSLError():
            return Problem(
                Code.TLS, f"{where} speaks no TLS", hint="is it http:// rather than https://?"
            )
        case aiohttp.ClientConnectorError():
            return Problem(
                Code.UNREACHABLE, f"{where} cannot be reached: {_reason(error.os_error)}"
            )
        case TimeoutError():
            return Problem(Code.UNREACHABLE, f"{where} does not answer")
        case aiohttp.ClientError() | OSError():
            return Problem(Code.CUT, f"the connection to {where} was cut")
        case _:
            return _malformed(where, error)
