"""What aiohttp raises, as a problem."""

import errno
import ssl
from unittest.mock import Mock

import aiohttp
import pytest

from cargo_sync.model.problems import Code
from cargo_sync.process.http_problems import UNTRUSTED, connection_problem

KEY = Mock(ssl=True, host="h", port=443)


@pytest.mark.parametrize(
    ("error", "code", "words", "hint"),
    [
        (aiohttp.ServerFingerprintMismatch(b"", b"\1", "h", 1), Code.CERTIFICATE, "sha256:01", ""),
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError()),
            Code.CERTIFICATE,
            "not trusted",
            UNTRUSTED,
        ),
        (aiohttp.ClientConnectorDNSError(KEY, OSError()), Code.UNKNOWN_HOST, "no host h", ""),
        (UnicodeError(), Code.UNKNOWN_HOST, "no host h", ""),
        (
            aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError()),
            Code.TLS,
            "does not use TLS",
            "no TLS",
        ),
        (
            aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "x")),
            Code.UNREACHABLE,
            "connection refused",
            "",
        ),
        (aiohttp.ConnectionTimeoutError(), Code.UNREACHABLE, "does not answer", ""),
        (aiohttp.ServerDisconnectedError(), Code.CUT, "without an answer", ""),
        (aiohttp.ClientPayloadError(), Code.CUT, "was cut", ""),
        (ConnectionResetError(), Code.CUT, "was cut", ""),
    ],
)
def test_each_failure_is_a_problem_of_its_own(
    error: aiohttp.ClientError | OSError | UnicodeError, code: Code, words: str, hint: str
) -> None:
    problem = connection_problem(error, "h", "no TLS")
    assert problem.code is code
    assert words in problem.message
    assert not hint or problem.hint == hint
