"""Answers of HTTP/1.1: what they say, however they come, and what is refused."""

from collections.abc import Iterator

import pytest

from cargo_sync.wire.http1 import (
    LONGEST_HEAD,
    MOST_FIELDS,
    HttpAnswer,
    HttpAnswerReader,
    UnreadableError,
    request_head,
)

OK = b"HTTP/1.1 200 OK\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: Chunked\r\n\r\n"


def read(answer: bytes, step: int, method: str = "GET", *, longest: int = 20) -> HttpAnswer | None:
    """The answer, which comes in pieces of `step` bytes, before the connection ends."""
    reader = HttpAnswerReader(method, longest)
    for start in range(0, len(answer), step):
        if (found := reader.feed(answer[start : start + step])) is not None:
            return found
    return reader.ended()


@pytest.mark.parametrize("step", [1, 3, 1_000])
@pytest.mark.parametrize(
    ("answer", "status", "body", "kept"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", True),
        (OK + b"Content-Length: 5\r\nConnection: Close\r\n\r\nhello", 200, b"hello", False),
        (OK + b"content-length: 5\r\nContent-Length:5 \r\n\r\nhello", 200, b"hello", True),
        (b"HTTP/1.0 200\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", False),
        (b"HTTP/1.1 204 None\r\n\r\n", 204, b"", True),
        (OK + b"\r\nhello", 200, b"hello", False),
        (INTERIM + b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, b"", True),
        (CHUNKED + b"3;x=y\r\nhel\r\n02 \r\nlo\r\n0\r\n\r\n", 200, b"hello", True),
        (CHUNKED + b"5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n", 200, b"hello", True),
        (OK + b"Content-Length: 21\r\n\r\n" + b"x" * 21, 200, None, False),
        (OK + b"\r\n" + b"x" * 21, 200, None, False),
        (CHUNKED + b"14\r\n" + b"x" * 20 + b"\r\n1\r\n", 200, None, False),
        (CHUNKED + b"fffffffffffffff\r\n", 200, None, False),
    ],
)  # fmt: skip
def test_an_answer_is_read_however_it_comes(
    answer: bytes, status: int, body: bytes | None, kept: bool, step: int
) -> None:
    found = read(answer, step)
    assert found is not None
    assert (found.status, found.body, found.kept) == (status, body, kept)


def test_the_answer_to_a_head_has_no_body() -> None:
    found = read(OK + b'ETag: "e"\r\nContent-Length: 9999\r\nVia: a\r\nvia: b\r\n\r\n', 7, "HEAD")
    assert found is not None and found.body == b"" and found.kept
    assert found.headers["etag"] == found.headers.get("ETag") == '"e"'
    assert "CONTENT-LENGTH" in found.headers and "x" not in found.headers
    assert dict(found.headers)["via"] == "a, b"


def wrong() -> Iterator[bytes]:
    yield from (b"\r\n\r\n", b"HTTP/2 200 OK\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n")
    yield from (b"HTTP/1.1 2000\r\n\r\n", b"HTTP/1.1 099 x\r\n\r\n", b"SSH-2.0-x\r\n\r\n")
    yield b"HTTP/1.1 101 Other\r\n\r\n"
    for line in (
        b"a b: c",
        b": c",
        b"a",
        b" folded",
        b"a: b\nc: d",
        b"a: b\rc",
        b"a: \0",
        b"\xff: c",
    ):
        yield OK + line + b"\r\n\r\n"
    for line in (b"1\r\nContent-Length: 2", b"-1", b"+1", b"1, 1", b"0x1", b"1" * 20, b""):
        yield OK + b"Content-Length: " + line + b"\r\n\r\n"
    yield OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n"
    yield b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for chunks in (b"\r\n", b"-1\r\n", b"g\r\n", b"1\r\nab\r\n", b"f" * 16 + b"\r\n", b"0x1\r\n"):
        yield CHUNKED + chunks
    yield CHUNKED + b"0\r\n\r\nmore"
    yield OK + b"Content-Length: 1\r\n\r\nab"
    yield OK + b"a: " + b"x" * LONGEST_HEAD
    yield OK + b"a: b\r\n" * (MOST_FIELDS + 1) + b"\r\n"
    yield CHUNKED + b"1;" + b"x" * LONGEST_HEAD
    yield CHUNKED + b"0\r\n" + (b"a: " + b"x" * 97 + b"\r\n") * (LONGEST_HEAD // 50)


@pytest.mark.parametrize("answer", [*wrong()], ids=lambda answer: repr(answer[17:40]))
def test_what_can_be_read_in_two_ways_is_refused(answer: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(answer, len(answer))


@pytest.mark.parametrize(
    "answer",
    [
        b"", OK, OK + b"Content-Length: 2\r\n\r\na", INTERIM,
        CHUNKED + b"1\r\na\r\n", CHUNKED + b"0\r\n",
    ],
)  # fmt: skip
def test_a_cut_answer_is_none(answer: bytes) -> None:
    assert read(answer, 1_000) is None


def test_a_request_has_the_headers_that_were_given_and_no_others() -> None:
    assert request_head("PUT", "/b/a", {"Host": "h"}, 3) == (
        b"PUT /b/a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"
    )
    assert request_head("GET", "/", {}, None) == b"GET / HTTP/1.1\r\n\r\n"
    for value in ("a\r\nX: y", "a\nX: y", "a\rb", "ü", "\0"):
        with pytest.raises(ValueError, match="line break"):
            request_head("GET", "/", {"Host": value}, None)
