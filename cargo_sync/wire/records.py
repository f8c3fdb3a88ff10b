"""Records: the pieces within a frame's body.

    header   20 bytes  kind u8, flags u8, index u16, batch u32, length u32, offset u64; big-endian
    payload  `length` bytes: content of a file (DATA) or JSON

A record names a file by its batch and its index in it. Records never cross frames; JSON that is
longer than a record goes in several with MORE on all but the last.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

from cargo_sync.wire.refusal import breach

HEADER: Final = Struct("!BBHIIQ")
SIZE: Final = HEADER.size

OFFER: Final = 1
"""Client, upload: a batch's offers."""
WANT: Final = 2
"""Server, upload: what it needs of each."""
ASK: Final = 3
"""Client, download: a batch's offers and what it needs of each."""
DATA: Final = 4
"""Sender: content of a file, `offset` on."""
FAIL: Final = 5
"""Sender: gives one file up; a problem."""
RECEIPT: Final = 6
"""Receiver: what was committed of a batch."""
GRANT: Final = 7
"""Server: bits a second for this lane, or null."""
REPORT: Final = 8
"""Sender: lost frames and round trip times."""
CANCEL: Final = 9
"""Receiver: stop this file. Client with EVERYTHING: stop all."""
PING: Final = 10
"""Either: still here."""
DONE: Final = 11
"""Client: no more batches."""
BYE: Final = 12
"""Server, then client: the last record of the last frame; the server's may carry a problem."""

FINAL: Final = 1
"""DATA: the file's last piece; the source was unchanged after it was read."""
WHOLE: Final = 2
"""DATA with FINAL: all of a file in one record."""
MORE: Final = 4
"""JSON: it goes on in the next record of this kind."""
EVERYTHING: Final = 0xFFFF
"""An index no file has."""
BATCH_MAX: Final = 0xFFFF
"""The most files of a batch."""

_FLAGS: Final = FINAL | WHOLE | MORE


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in a frame; `payload` is a view of the frame's body."""

    kind: int
    flags: int
    index: int
    batch: int
    offset: int
    payload: memoryview


def split(body: memoryview) -> Iterator[tuple[int, int, int, int, int, memoryview]]:
    """The records of a body in order, as the fields of `Record`, lazily.

    Plain tuples: a body may hold hundreds of small files, and an object each costs twice as much.

    Raises:
        ProblemError: the body is not whole records of known kinds ("protocol").
    """
    unpack = HEADER.unpack_from
    end = len(body)
    at = 0
    while at < end:
        start = at + SIZE
        if start > end:
            raise breach("a record's header is cut off")
        kind, flags, index, batch, length, offset = unpack(body, at)
        at = start + length
        if at > end:
            raise breach("a record is longer than its frame")
        if flags & ~_FLAGS or not OFFER <= kind <= BYE:
            raise breach("a record's kind is unknown")
        yield kind, flags, index, batch, offset, body[start:at]


def put(body: memoryview, at: int, record: Record) -> int:
    """Writes a record with its payload to `body` from `at` on; where the next one goes."""
    start = at + SIZE
    end = start + len(record.payload)
    HEADER.pack_into(
        body, at, record.kind, record.flags, record.index, record.batch, end - start, record.offset
    )
    body[start:end] = record.payload
    return end
