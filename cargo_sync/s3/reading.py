"""The head of an object, from headers, and its content as it comes."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from cargo_sync.model.problems import Code, Problem
from cargo_sync.process.http_body import HttpBody
from cargo_sync.s3.errors import S3Error, bad_answer, translated
from cargo_sync.s3.objects import ObjectHead
from cargo_sync.s3.requests import METADATA, bare_etag

_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_UNSATISFIED: Final = 2**63


class ObjectContent:
    """An object that is being read.

    head   of the whole object
    start  the first byte that `pieces` yields
    end    the byte after the last one
    ranged  the server has sent a part because it was asked for one
    """

    def __init__(
        self, what: str, response: aiohttp.ClientResponse, start: int, end: int | None
    ) -> None:
        self._what = what
        self._where = response.url.authority
        self._body = HttpBody(response)
        first, last, size = sent_range(what, response.status, response.headers)
        self.ranged = "Content-Range" in response.headers
        self.start = start
        self.end = size if end is None else min(end, size)
        self._skip, self._length = start - first, last - first
        if self._skip < 0 or last < self.end or start > self.end:
            raise bad_answer(what, f"it has bytes {first}-{last}, not {start}-{self.end}")
        self.head = head_of(what, response.headers, size)

    def keep_connection(self) -> None:
        """The connection is used again when all has come, which costs time for each byte."""
        self._body.keeps = True

    async def read_into(
        self, views: Sequence[memoryview], filled: Callable[[int], object] = lambda index: None
    ) -> None:
        """Fills memory with all of the bytes, in their order.

        Args:
            views: of it; together they have as many bytes as `end - start`, each at least one.
            filled: called with the index of each view, once all of its bytes are there.

        Raises:
            S3Error: the connection was cut. What is in a view that was not filled is nothing.
        """
        if not self._skip and sum(map(len, views)) == self._length:
            self._body.into = views
        index = done = 0
        async for piece in self.pieces():
            left = memoryview(piece)
            while left:
                view = views[index]
                part = left[: len(view) - done]
                if part.obj is not view.obj:
                    view[done : done + len(part)] = part
                left, done = left[len(part) :], done + len(part)
                if done == len(view):
                    filled(index)
                    index, done = index + 1, 0

    async def pieces(self) -> AsyncIterator[bytes | memoryview]:
        """The bytes, in pieces as they come: never fewer or more than from `start` to `end`.

        A server that does not know ranges sends all; what was not asked for is left out.

        Raises:
            S3Error: the connection was cut.
        """
        skip, left = self._skip, self.end - self.start
        while left:
            # Nothing else is translated: what fails where the caller writes is not ours.
            with translated(self._what, self._where):
                piece = await self._body.read()
            if not piece:
                problem = Problem(Code.CUT, f"{self._what}: the answer ended too early")
                raise S3Error(problem, again=True)
            if skip:
                skip, piece = max(0, skip - len(piece)), piece[skip:]
            if len(piece) > left:
                piece = piece[:left]
            left -= len(piece)
            if piece:
                yield piece


def head_of(what: str, headers: Mapping[str, str], size: int | None = None) -> ObjectHead:
    """The head of an object from the headers of a HEAD or a GET.

    Args:
        what: what was done, for people.
        headers: names in any case.
        size: bytes, if Content-Length is not the object's.

    Raises:
        S3Error: `bad_answer`.
    """
    if size is None:
        size = _length(what, headers)
    if size is None:
        raise bad_answer(what, "it has no Content-Length")
    metadata = {
        name[len(METADATA) :].lower(): value
        for name, value in headers.items()
        if name.lower().startswith(METADATA) and value.isprintable()
    }
    return ObjectHead(
        size,
        bare_etag(headers.get("ETag", "")),
        _modified(what, headers),
        metadata,
        version_of(headers),
        _is_sealed(headers),
    )


def _is_sealed(headers: Mapping[str, str]) -> bool:
    """Whether an object is encrypted by SSE-KMS or SSE-C; a plain "AES256" changes nothing."""
    by = headers.get("x-amz-server-side-encryption", "").lower()
    return by.startswith("aws:") or "x-amz-server-side-encryption-customer-algorithm" in headers


def version_of(headers: Mapping[str, str]) -> str:
    """The id of an object's version; "" on a bucket without versions."""
    version = headers.get("x-amz-version-id", "")
    return "" if version == "null" else version


def sent_range(what: str, status: int, headers: Mapping[str, str]) -> tuple[int, int, int]:
    """First byte, byte after the last one, and the object's size.

    Some servers send a part with the status 200. So Content-Range says what it is: without it, a
    body is the whole object.

    Raises:
        S3Error: `bad_answer`.
    """
    told = headers.get("Content-Range")
    length = _length(what, headers)
    if told is None:
        if status == 206:
            raise bad_answer(what, "it is a part, and does not say which")
        if length is None:
            raise bad_answer(what, "it has no Content-Length")
        return 0, length, length
    match = _RANGE.fullmatch(told.strip())
    if match is None or match[3] == "*":
        raise bad_answer(what, "its Content-Range cannot be read")
    first, last, size = int(match[1]), int(match[2]) + 1, int(match[3])
    if not first < last <= size < _UNSATISFIED or length not in (None, last - first):
        raise bad_answer(what, "its Content-Range does not agree with its length")
    return first, last, size


def _length(what: str, headers: Mapping[str, str]) -> int | None:
    text = headers.get("Content-Length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise bad_answer(what, "its Content-Length is no number")
    return int(text)


def _modified(what: str, headers: Mapping[str, str]) -> int:
    try:
        seconds = parsedate_to_datetime(headers.get("Last-Modified", "")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        raise bad_answer(what, "its Last-Modified is no time") from None
    return int(seconds) * 10**9
