"""Answers in XML, read while they come: fields of the answer, and rows of what it lists.

Names of elements count, their namespaces do not: some servers send none.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import unquote_plus

from cargo_sync.s3.errors import S3Error, bad_answer
from cargo_sync.wire.xml import XmlReader, local

LARGEST: Final = 32 * 2**20
"""Bytes of an answer: 1,000 keys of 1,024 bytes, each byte encoded as three, are a tenth of it."""
MOST_ROWS: Final = 20_000
MOST_FIELDS: Final = 100
"""Records and fields of an answer; a server that does not count lists 10,000."""
_TEXT: Final = 16 * 1024
"""Characters of one field."""
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LARGEST_NUMBER: Final = 2**63

Records = Mapping[str, Sequence[str]]
"""What an answer lists: the name of each kind of record, and the fields that are wanted of it."""


class AnswerReader:
    """Reads one answer.

    headers  of the answer, names in any case
    size    bytes until now
    root    the name of the answer's outermost element
    fields  the texts of the elements directly in it, by name; of equal ones the last
    rows    the records in it, in order: [name, field, …], "" for what a record does not have
    """

    def __init__(self, records: Records, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self.size = 0
        self.root = ""
        self.fields: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self._names: dict[str, str] = {}
        self._wanted = {
            name: {one: index for index, one in enumerate(wanted, 1)}
            for name, wanted in records.items()
        }
        self._columns: Mapping[str, int] | None = None
        self._xml = XmlReader(self._opened, self._closed, longest=_TEXT)

    def feed(self, piece: bytes) -> None:
        """Reads the next bytes.

        Raises:
            ProblemError: `bad_answer`.
        """
        self.size += len(piece)
        if self.size > LARGEST:
            raise bad_answer("a list could not be read", f"more than {LARGEST // 2**20} MiB")
        self._xml.feed(piece)

    def end(self) -> None:
        """Says that there are no more bytes.

        Raises:
            ProblemError: `bad_answer`: the answer is not complete.
        """
        self._xml.end()

    def _opened(self, name: str, depth: int) -> None:
        if depth == 2:
            self._columns = columns = self._wanted.get(self._local(name))
            if columns is not None:
                if len(self.rows) == MOST_ROWS:
                    raise _not_valid(f"more than {MOST_ROWS:,} records")
                self.rows.append([self._local(name)] + [""] * len(columns))
        elif depth == 1:
            self.root = self._local(name)

    def _closed(self, name: str, depth: int, text: str) -> None:
        if depth == 3:
            if self._columns is not None:
                index = self._columns.get(self._local(name))
                if index is not None:
                    self.rows[-1][index] = text
        elif depth == 2 and self._columns is None and len(self.fields) < MOST_FIELDS:
            self.fields[self._local(name)] = text

    def _local(self, name: str) -> str:
        found = self._names.get(name)
        if found is None:
            found = local(name)
            if len(self._names) < 256:
                self._names[name] = found
        return found


def numbers(texts: Sequence[str]) -> Sequence[int]:
    """Sizes or numbers of parts.

    Raises:
        S3Error: `bad_answer`: one of them is not 0 or more.
    """
    try:
        found = list(map(int, texts))
    except ValueError:
        raise _not_valid("a number is none") from None
    if found and not 0 <= min(found) <= max(found) < _LARGEST_NUMBER:
        raise _not_valid("a number is negative or too large")
    return found


def times(texts: Sequence[str]) -> Sequence[int]:
    """Times in ns since 1970.

    Raises:
        S3Error: `bad_answer`: one of them is not a time.
    """
    try:
        return [(datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND * 1000 for text in texts]
    except (ValueError, TypeError):  # of a time without a zone
        raise _not_valid("a time is none") from None


def decoded_key(text: str) -> str | None:
    """A key that was encoded as for a URL; None if it is not UTF-8."""
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        return None


def _not_valid(why: str) -> S3Error:
    return bad_answer("a list could not be read", why)
