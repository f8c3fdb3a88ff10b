"""HTTP/1.1 as a client of short messages needs it: one request as bytes, one answer from bytes.

After RFC 9112. An answer that two readers could understand in different ways is refused: two
lengths, a length beside chunks, a line without its end, a name with a blank.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

LONGEST_HEAD: Final = 64 * 1024
"""Bytes of a head, of the trailers, and of all lines with the sizes of chunks, each."""
MOST_FIELDS: Final = 500
_END: Final = b"\r\n\r\n"
_TOKEN: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


class UnreadableError(Exception):
    """What came is no answer, or not one that can be read in only one way."""


class HttpFields(Mapping[str, str]):
    """The headers of an answer; names in any case. Of equal ones the values are joined."""

    __slots__ = ("_fields",)

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields  # names in lower case

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer.

    body  None: it is longer than it may be, and was not read
    kept  the connection may be used again
    """

    status: int
    headers: HttpFields
    body: bytes | None
    kept: bool


def request_head(method: str, target: str, headers: Mapping[str, str], length: int | None) -> bytes:
    """The head of a request; `length` of its content, None if it has none.

    Raises:
        ValueError: it would be another request: a line break, or what is not ASCII.
    """
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    is_sound = text.count("\n") == text.count("\r") == breaks and "\0" not in text
    if not (is_sound and text.isascii()):
        raise ValueError("a header has a line break, or is not ASCII")
    return f"{text}\r\n\r\n".encode()


class HttpAnswerReader:
    """Reads the answer to one request.

    Args:
        method: of the request: the answer to a HEAD has no body.
        longest: bytes of a body; a longer one is left.
    """

    def __init__(self, method: str, longest: int) -> None:
        self._method = method
        self._longest = longest
        self._came = bytearray()
        self._status = 0
        self._fields: dict[str, str] = {}
        self._kept = False
        self._left: int | None = None
        """Bytes of the body that did not come yet; None: until the end of the connection."""
        self._chunks: _Chunks | None = None

    @property
    def keeps(self) -> bool:
        """Whether the connection may be used again once all of the answer was read."""
        return self._kept

    @property
    def rest(self) -> bytes:
        """What has come of the body of an answer that is longer than it may be."""
        return bytes(self._came)

    @property
    def length(self) -> int | None:
        """The bytes of such a body; None: its head does not say it."""
        return self._left if self._chunks is None else None

    def feed(self, some: bytes) -> HttpAnswer | None:
        """What has come; returns the answer when it is complete.

        Raises:
            UnreadableError: it is none, or more came than belongs to it.
        """
        self._came += some
        while not self._status:
            if not self._take_head():
                return None
        if self._chunks is not None:
            if not self._chunks.take(self._came, self._longest):
                return None
            self._end_of(0)
            return self._answer(self._chunks.body())
        if self._left is None:
            return None if len(self._came) <= self._longest else self._answer(None)
        if self._left > self._longest:
            return self._answer(None)
        if len(self._came) < self._left:
            return None
        self._end_of(self._left)
        return self._answer(bytes(self._came))

    def ended(self) -> HttpAnswer | None:
        """The connection has ended; returns the answer if that is its end."""
        if self._status and self._left is None and self._chunks is None:
            return self._answer(bytes(self._came))
        return None

    def _end_of(self, body: int) -> None:
        if len(self._came) > body:
            raise UnreadableError("more came than its length says")

    def _answer(self, body: bytes | None) -> HttpAnswer:
        kept = self._kept and body is not None
        return HttpAnswer(self._status, HttpFields(self._fields), body, kept)

    def _take_head(self) -> bool:
        """Whether all of it has come. An interim answer (1xx) is passed over."""
        end = self._came.find(_END)
        if end > LONGEST_HEAD or (end < 0 and len(self._came) > LONGEST_HEAD):
            raise UnreadableError("its head is too long")
        if end < 0:
            return False
        text = self._came[:end].decode("latin-1")
        del self._came[: end + len(_END)]
        lines = text.split("\r\n")
        breaks = len(lines) - 1
        if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
            raise UnreadableError("a line of its head has no end")
        if breaks > MOST_FIELDS:
            raise UnreadableError("it has too many headers")
        version, status = _status_line(lines[0])
        if 100 <= status < 200:
            if status == 101:
                raise UnreadableError("it changes the protocol")
            return True  # the status is not known yet: the next head is read
        self._status, self._fields = status, _fields(lines[1:])
        self._find_length(version)
        return True

    def _find_length(self, version: str) -> None:
        told = self._fields.get("connection", "").lower()
        self._kept = version == "HTTP/1.1" and "close" not in told
        coding, length = self._fields.get("transfer-encoding"), self._fields.get("content-length")
        if self._method == "HEAD" or self._status in (204, 304):
            self._left = 0
        elif coding is not None:
            if coding.lower() != "chunked" or length is not None or version != "HTTP/1.1":
                raise UnreadableError("its length is said in two ways, or in an unknown one")
            self._chunks = _Chunks()
        elif length is not None:
            if not (length.isascii() and length.isdigit() and len(length) < 20):
                raise UnreadableError("its length is no number")
            self._left = int(length)
        else:
            self._kept = False


class _Chunks:
    """A body in chunks, with the lines between them."""

    def __init__(self) -> None:
        self._body = bytearray()
        self._chunk: int | None = None
        self._overhead = 0
        self._is_long = False

    def take(self, came: bytearray, longest: int) -> bool:
        """Takes what has come; whether it is the end, or the body is too long."""
        while True:
            if self._chunk is None:
                line = self._line(came)
                if line is None:
                    return False
                self._chunk = _chunk_size(line)
            if self._chunk == 0:
                return self._trailers(came)
            if len(self._body) + self._chunk > longest:
                self._is_long = True
                came.clear()
                return True
            if len(came) < self._chunk + 2:
                return False
            if came[self._chunk : self._chunk + 2] != b"\r\n":
                raise UnreadableError("a chunk is not as long as it says")
            self._body += came[: self._chunk]
            del came[: self._chunk + 2]
            self._chunk = None

    def body(self) -> bytes | None:
        return None if self._is_long else bytes(self._body)

    def _trailers(self, came: bytearray) -> bool:
        while (line := self._line(came)) is not None:
            if not line:
                return True
        return False

    def _line(self, came: bytearray) -> bytes | None:
        end = came.find(b"\r\n")
        self._overhead += max(0, end)
        if max(self._overhead, len(came) if end < 0 else 0) > LONGEST_HEAD:
            raise UnreadableError("the lines between its chunks are too long")
        if end < 0:
            return None
        line = bytes(came[:end])
        del came[: end + 2]
        return line


def _chunk_size(line: bytes) -> int:
    text = line.partition(b";")[0].strip(b" \t")
    if not 0 < len(text) < 16 or text.strip(b"0123456789abcdefABCDEF"):
        raise UnreadableError("the size of a chunk is no number")
    return int(text, 16)


def _status_line(line: str) -> tuple[str, int]:
    version, _, rest = line.partition(" ")
    status = rest[:3]
    is_sound = version in ("HTTP/1.1", "HTTP/1.0") and status.isascii() and status.isdigit()
    if not is_sound or len(status) != 3 or rest[3:4] not in ("", " ") or status[0] == "0":
        raise UnreadableError("it does not begin like one")
    return version, int(status)


def _fields(lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or not _TOKEN.issuperset(name):
            raise UnreadableError("a header has no name")
        name, value = name.lower(), value.strip(" \t")
        if name in fields:
            if name == "content-length" and fields[name] != value:
                raise UnreadableError("it has two lengths")
            value = value if name == "content-length" else f"{fields[name]}, {value}"
        fields[name] = value
    return fields
