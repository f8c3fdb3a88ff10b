"""What aiohttp raises about a connection to somebody else's server, as a problem."""

import os
from typing import Final

import aiohttp

from cargo_sync.model.problems import Code, Problem, lacks_descriptors, no_descriptors

UNTRUSTED: Final = "set ca_file in the job to its CA, or tls_fingerprint"


def connection_problem(
    error: aiohttp.ClientError | OSError | UnicodeError,
    where: str,
    no_tls: str,
    untrusted: str = UNTRUSTED,
) -> Problem:
    """The problem of a connection: `certificate`, `unknown_host`, `tls`, `unreachable` or `cut`.

    Args:
        error: what aiohttp raised.
        where: the server, for people.
        no_tls: what to do if the server has no TLS.
        untrusted: what to do if its certificate is from an unknown CA.
    """
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
            message = f"the certificate of {where} is not trusted"
            return Problem(Code.CERTIFICATE, message, hint=untrusted, retry=False)
        case aiohttp.ClientConnectorDNSError() | UnicodeError():  # a label of more than 63 letters
            hint = "check hostname in the job"
            return Problem(Code.UNKNOWN_HOST, f"there is no host {where}", hint=hint)
        case aiohttp.ClientSSLError():
            return Problem(Code.TLS, f"{where} does not use TLS", hint=no_tls)
        case aiohttp.ClientConnectorError() if lacks_descriptors(error.os_error):
            return no_descriptors(f"a connection to {where}")
        case aiohttp.ClientConnectorError():
            # The system's message; the one in the exception is asyncio's own, with an address.
            number = error.os_error.errno
            why = os.strerror(number).lower() if number else "no answer"
            return Problem(Code.UNREACHABLE, f"{where} cannot be reached: {why}")
        case TimeoutError():
            return Problem(Code.UNREACHABLE, f"{where} does not answer")
        case aiohttp.ServerDisconnectedError():
            return Problem(Code.CUT, f"{where} closed the connection without an answer")
    return Problem(Code.CUT, f"the connection to {where} was cut")
