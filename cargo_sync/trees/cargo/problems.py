"""What goes wrong with a call, as problems, in one place for all calls: aiohttp's exceptions, and
answers that no Cargo server gives."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import aiohttp
import orjson

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo.replies import Decoder, T, reason


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Raises ProblemError for whatever the way to the server at `url` raises."""
    try:
        yield
    except (aiohttp.ClientError, OSError, UnicodeError) as error:
        raise ProblemError(_problem(error, urlsplit(url).netloc)) from error


def decoded(decode: Decoder[T], content: bytes) -> T:
    """What an answer says. The one step in which a server can be at fault for its form: whatever
    fails after it is our own mistake. Raises ProblemError."""
    try:
        return decode(orjson.loads(content))
    except ValueError as error:
        raise bad_answer(reason(error)) from error


def bad_answer(why: str) -> ProblemError:
    """The server answered what no Cargo server answers."""
    return ProblemError(
        Problem(Code.PROTOCOL, f"the server answered what no Cargo server answers: {why}")
    )


def _reason(error: OSError) -> str:
    """The system's own words; asyncio puts its own, with an address, in their place."""
    return os.strerror(error.errno).lower() if error.errno else "no answer"


def _problem(error: aiohttp.ClientError | OSError | UnicodeError, where: str) -> Problem:
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
        case aiohttp.ClientConnectorDNSError() | UnicodeError():  # a label of more than 63 letters
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
        case _:
            return Problem(Code.CUT, f"the connection to {where} was cut")
