"""All exceptions of aiohttp as problems."""

import errno
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo.problems import decoded, translated
from cargo_sync.trees.cargo.replies import SpeedReply

KEY = ConnectionKey("server", 8443, True, True, None, None, None)
REFUSED = OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 8443)")
UNTRUSTED = ssl.CertificateError("self-signed")

CASES = [
    (aiohttp.ServerFingerprintMismatch(b"a", b"\xab", "server", 8443),
     "certificate", False, "sha256:ab"),
    (aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED), "certificate", False, "trusted"),
    (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "wrong version")),
     "tls", True, "does not use TLS"),
    (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "no name")),
     "unknown_host", True, "no host server"),
    (aiohttp.ClientConnectorError(KEY, REFUSED), "unreachable", True, "connection refused"),
    (aiohttp.ConnectionTimeoutError(), "unreachable", True, "does not answer"),
    (aiohttp.SocketTimeoutError(), "unreachable", True, "does not answer"),
    (TimeoutError(), "unreachable", True, "does not answer"),
    (aiohttp.ServerDisconnectedError(), "cut", True, "closed the connection without an answer"),
    (aiohttp.ClientPayloadError(), "cut", True, "was cut"),
    (ConnectionResetError(errno.ECONNRESET, "reset"), "cut", True, "was cut"),
    (UnicodeError("label too long"), "unknown_host", True, "no host server"),
]  # fmt: skip


def problem_of(error: Exception, url: str = "https://server:8443/prefix") -> Problem:
    with pytest.raises(ProblemError) as raised, translated(url):
        raise error
    assert raised.value.__cause__ is error
    return raised.value.problem


@pytest.mark.parametrize(
    ("error", "code", "retry", "words"), CASES, ids=lambda case: type(case).__name__
)
def test_each_has_its_code_and_its_words(
    error: Exception, code: str, retry: bool, words: str
) -> None:
    problem = problem_of(error)
    assert (problem.code, problem.retry) == (code, retry)
    assert words in problem.message and "server" in problem.message
    assert "127.0.0.1" not in problem.message, (
        "the address that a name has says nothing to a person"
    )


def test_a_connection_without_tls_that_is_cut_asks_for_tls() -> None:
    for error in (aiohttp.ServerDisconnectedError(), ConnectionResetError(errno.ECONNRESET, "")):
        assert "https://" in problem_of(error, "http://server:8443/prefix").hint
        with pytest.raises(ProblemError) as raised, translated("http://server:1", known=True):
            raise error
        assert raised.value.problem.hint == "", "it has answered without TLS before"
        assert problem_of(error).hint == ""


def test_ours_passes_as_it_is_and_mistakes_of_ours_are_not_hidden() -> None:
    mine = ProblemError(Problem(Code.BAD_PATH, "no"))
    with pytest.raises(ProblemError) as raised, translated("https://server"):
        raise mine
    assert raised.value is mine
    for error in (AssertionError(), KeyError("token"), ValueError("ours"), TypeError("ours")):
        with pytest.raises(type(error)), translated("https://server"):
            raise error


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"{", b"\xff", b"[]", b"7", b'{"granted": "much"}', b'{"granted": 0}'],
)
def test_an_answer_of_another_form_is_a_problem_of_the_server(content: bytes) -> None:
    with pytest.raises(ProblemError, match="answer is not valid") as raised:
        decoded(SpeedReply.read, content)
    assert (raised.value.problem.code, raised.value.problem.retry) == ("bad_answer", True)


def test_it_says_what_is_wrong_and_not_what_was_sent() -> None:
    with pytest.raises(ProblemError) as raised:
        decoded(SpeedReply.read, b'{"granted": "secret"}')
    message = raised.value.problem.message
    assert message.endswith("granted: input should be a valid integer") and "secret" not in message


def test_a_mistake_of_ours_in_what_follows_is_not_the_servers() -> None:
    def decode(value: object) -> object:
        raise KeyError(value)

    with pytest.raises(KeyError):
        decoded(decode, b"{}")
