"""Records: the pieces within a frame's body.

    header   20 bytes  kind u8, flags u8, index u16, batch u32, length u32, offset u64; big-endian
    payload  `length` bytes: content of a file (DATA), a number of zeros (HOLE), or JSON

A record names a file by its batch and its index in the batch. A record is always within one frame.
JSON that is too long for one record is sent in several, with MORE on all but the last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

from cargo_sync.wire.refusal import breach

HEADER: Final = Struct("!BBHIIQ")
SIZE: Final = HEADER.size
ZEROS: Final = Struct("!Q")

OFFER: Final = 1
"""Client, upload: a batch's offers."""
WANT: Final = 2
"""Server, upload: what it needs of each."""
ASK: Final = 3
"""Client, download: a batch's offers and what it needs of each."""
DATA: Final = 4
"""Sender: content of a file, from `offset`."""
FAIL: Final = 5
"""Sender: this file is given up; the payload is a problem."""
RECEIPT: Final = 6
"""Receiver: what was committed of a batch."""
GRANT: Final = 7
"""Server: bits per second for this lane, or null."""
REPORT: Final = 8
"""Sender: lost frames and round trip times."""
CANCEL: Final = 9
"""Receiver: stop this file. Client with EVERYTHING: stop all."""
PING: Final = 10
"""Both: the lane is alive. A receiver's may say how much of a file it has, and of all content."""
DONE: Final = 11
"""Client: no more batches."""
BYE: Final = 12
"""Server, then client: the last record of the last frame; the server's may contain a problem."""
LATER: Final = 13
"""Server: it has no room for this batch now; the client opens it again later, with its number."""
HOLE: Final = 14
"""Sender: from `offset` on, a file has only zeros; the payload is how many (`ZEROS`)."""

FINAL: Final = 1
"""DATA, HOLE: the file's last piece; the source was unchanged after it was read."""
WHOLE: Final = 2
"""DATA with FINAL: the whole file in one record."""
MORE: Final = 4
"""JSON: it continues in the next record of this kind."""
BUSY: Final = 1
"""PING: this end waits for something of its own (a publication, room, content); it is not idle."""
EVERYTHING: Final = 0xFFFF
"""An index that no file has; it means all files."""
BATCH_MAX: Final = 0xFFFF
"""The largest number of files in a batch."""

_FLAGS: Final = FINAL | WHOLE | MORE


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a frame; `payload` is a view of the frame's body."""

    kind: int
    flags: int
    index: int
    batch: int
    offset: int
    payload: memoryview


@dataclass(frozen=True, slots=True)
class LentRecord:
    """A whole record in memory that is only lent.

    memory  its header and its payload
    let_go  to be called once, when `memory` is not needed any more
    """

    memory: memoryview
    let_go: Callable[[], None]


def split(body: memoryview) -> Iterator[tuple[int, int, int, int, int, memoryview]]:
    """Yields the records of a body in order, as tuples with the fields of `Record`.

    A body may contain hundreds of small files; one object per record would cost twice as much.

    Raises:
        ProblemError: the body does not consist of whole records of known kinds ("protocol").
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
        if flags & ~_FLAGS or not OFFER <= kind <= HOLE:
            raise breach("a record's kind is unknown")
        yield kind, flags, index, batch, offset, body[start:at]


def put(body: memoryview, at: int, record: Record) -> int:
    """Writes a record with its payload to `body` at `at`; returns where the next one begins."""
    start = at + SIZE
    end = start + len(record.payload)
    HEADER.pack_into(
        body, at, record.kind, record.flags, record.index, record.batch, end - start, record.offset
    )
    body[start:end] = record.payload
    return end
