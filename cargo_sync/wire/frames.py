"""Frames: the unit that is sealed or checksummed on a lane. A header, a body of records, a trailer.

    header   12 bytes  body length u32, counter u32, flags u8 (1 sealed, 2 last, 4 shared),
                       version u8, zero u16
    body     1 to BODY_MAX bytes, whole records
    trailer  16 bytes  the GCM tag; on a plain lane the XXH3-128 of header and body

Numbers are big-endian. A sealed body is AES-256-GCM in the STREAM construction (Hoang,
Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", 2015; the nonce is laid out as in Tink): nonce = the lane's prefix (7) | counter
(4) | last (1), associated data = the header. So a frame that was changed, repeated, left out,
reordered or taken from another lane or direction cannot be opened. If the stream ends before the
frame marked last, the receiver knows that it was cut.

Where both ends have agreed on it, the content of a frame may be sealed once for several lanes
(`shared`): flag 4.

Each maker and opener owns its buffers and reuses them: what it returns is valid until the next
call.
"""

import mmap
import sys
from struct import Struct
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from xxhash import xxh3_128, xxh3_128_digest

from cargo_sync.wire import shared
from cargo_sync.wire.records import SIZE as RECORD
from cargo_sync.wire.records import LentRecord
from cargo_sync.wire.refusal import breach, cut
from cargo_sync.wire.shared import SharedRecord

VERSION: Final = 1
HEADER: Final = 12
TRAILER: Final = 16
PIECE: Final = 1 << 20
"""The most content that one record carries."""
BODY_MAX: Final = PIECE + 4096
FRAME_MAX: Final = HEADER + BODY_MAX + TRAILER

_SEALED: Final = 1
_LAST: Final = 2
_SHARED: Final = 4
_HEADER: Final = Struct("!IIBBH")
_NONCE: Final = Struct("!7sIB")
_COUNTERS: Final = 1 << 32


def new_buffer(size: int) -> memoryview:
    """`size` bytes for a buffer that is used again and again.

    The system gives each page of it when it is first written: a lane with a small file needs few
    of them. To fill all buffers of a lane with zeros first took longer than to open it.
    """
    if sys.platform == "win32":
        return memoryview(mmap.mmap(-1, size))
    return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


class FrameMaker(Protocol):
    """Makes the frames of one direction of a lane."""

    body: memoryview
    """BODY_MAX bytes: the records of the next frame are written here."""

    def close(self, length: int, last: bool) -> memoryview:
        """Returns the whole frame around the first `length` bytes of `body`, ready to be sent.

        Raises:
            ProblemError: the counter is used up ("cut": the flow continues on a new lane).
        """

    def close_around(self, record: LentRecord | SharedRecord) -> list[memoryview]:
        """Returns the frame of a record that is not in `body`, in parts that follow each other.

        If there are several, the record's memory is among them, and must stay until they are sent.

        Raises:
            ProblemError: as `close`.
        """


class FrameOpener(Protocol):
    """Checks the frames of one direction of a lane, in order."""

    finished: bool
    """True once the frame marked last was opened."""
    in_place: bool
    """Whether a body is a view of its frame."""
    takes_shared: bool
    """Whether the content of a frame may be sealed for several lanes: both ends have agreed."""

    def expect(self, header: memoryview) -> int:
        """Returns the length in bytes of the whole frame that begins with this header.

        Raises:
            ProblemError: not the header of the next frame ("protocol").
        """

    def exchange(self, memory: memoryview) -> None:
        """The next body comes into `memory` (BODY_MAX bytes), if it is not `in_place`."""

    def open(self, frame: memoryview) -> memoryview:
        """Returns the body of a whole frame, after `expect` of its header.

        Raises:
            ProblemError: its tag or checksum is wrong ("protocol").
        """


class _Maker:
    """Counts frames and writes their headers."""

    def __init__(self, flags: int) -> None:
        self._flags = flags
        self._counter = 0
        self._frame = new_buffer(FRAME_MAX)

    def _begin(self, length: int, flags: int) -> int:
        counter = self._counter
        if counter == _COUNTERS:
            raise cut("the lane has sent the largest allowed number of frames")
        self._counter = counter + 1
        _HEADER.pack_into(self._frame, 0, length, counter, self._flags | flags, VERSION, 0)
        return counter


class PlainMaker(_Maker):
    """Makes frames in the clear, with a checksum against transmission errors; no authentication."""

    def __init__(self) -> None:
        super().__init__(0)
        self.body = self._frame[HEADER : HEADER + BODY_MAX]

    def close(self, length: int, last: bool) -> memoryview:
        self._begin(length, last and _LAST)
        end = HEADER + length
        self._frame[end : end + TRAILER] = xxh3_128_digest(self._frame[:end])
        return self._frame[: end + TRAILER]

    def close_around(self, record: LentRecord | SharedRecord) -> list[memoryview]:
        assert isinstance(record, LentRecord), "nothing is sealed on this lane"
        self._begin(len(record.memory), 0)
        header = self._frame[:HEADER]
        checksum = xxh3_128(header)
        checksum.update(record.memory)
        return [header, record.memory, memoryview(checksum.digest())]


class SealedMaker(_Maker):
    """Makes sealed frames.

    `key` has 32 bytes and is used for nothing but this direction of this lane; `prefix` has 7
    bytes.
    """

    def __init__(self, key: bytes, prefix: bytes) -> None:
        super().__init__(_SEALED)
        self._cipher = AESGCM(key)
        self._seal = self._cipher.encrypt_into
        self._prefix = prefix
        self.body = new_buffer(BODY_MAX)

    def close(self, length: int, last: bool) -> memoryview:
        return self._sealed(self.body[:length], last)

    def close_around(self, record: LentRecord | SharedRecord) -> list[memoryview]:
        if isinstance(record, LentRecord):
            return [self._sealed(record.memory, False)]
        content = record.content
        length = len(content) - shared.TAG + shared.AROUND
        nonce = _NONCE.pack(self._prefix, self._begin(length, _SHARED), False)
        header = self._frame[:HEADER]
        known = bytes(header) + bytes(content[-shared.TAG :])
        behind = self._cipher.encrypt(nonce, record.key + record.header, known)
        return [header, content, memoryview(behind)]

    def _sealed(self, body: memoryview, last: bool) -> memoryview:
        length = len(body)
        nonce = _NONCE.pack(self._prefix, self._begin(length, last and _LAST), last)
        frame = self._frame[: HEADER + length + TRAILER]
        self._seal(nonce, body, frame[:HEADER], frame[HEADER:])
        return frame


class _Opener:
    """Counts frames and reads their headers."""

    def __init__(self, flags: int) -> None:
        self.finished = self.takes_shared = False
        self._flags = flags
        self._counter = 0
        self._last = self._shared = False

    def expect(self, header: memoryview) -> int:
        length, counter, flags, version, zero = _HEADER.unpack_from(header)
        if self.finished:
            raise breach("bytes came after its last frame")
        is_shared = self.takes_shared and self._flags == _SEALED and flags == _SEALED | _SHARED
        if version != VERSION or zero or (flags & ~_LAST != self._flags and not is_shared):
            raise breach("a frame's header does not fit this lane")
        if counter != self._counter:
            raise breach(f"frame {counter} came, frame {self._counter} was expected")
        least = 1 + shared.AROUND if is_shared else 1
        if not least <= length <= BODY_MAX:
            raise breach(f"a frame has {length} bytes, {least} to {BODY_MAX} are allowed")
        self._last, self._shared = bool(flags & _LAST), is_shared
        total: int = HEADER + length + TRAILER
        return total

    def _opened(self) -> None:
        self._counter += 1
        self.finished = self._last


class PlainOpener(_Opener):
    """Opens what a `PlainMaker` made."""

    in_place = True

    def __init__(self) -> None:
        super().__init__(0)

    def exchange(self, memory: memoryview) -> None:
        """Its bodies are in their frames."""

    def open(self, frame: memoryview) -> memoryview:
        end = len(frame) - TRAILER
        if xxh3_128_digest(frame[:end]) != frame[end:]:
            raise breach(f"frame {self._counter} was changed on the way")
        self._opened()
        return frame[HEADER:end]


class SealedOpener(_Opener):
    """Opens what a `SealedMaker` of the same key and prefix made."""

    in_place = False

    def __init__(self, key: bytes, prefix: bytes) -> None:
        super().__init__(_SEALED)
        self._cipher = AESGCM(key)
        self._open = self._cipher.decrypt_into
        self._prefix = prefix
        self._body = new_buffer(BODY_MAX)

    def exchange(self, memory: memoryview) -> None:
        self._body = memory

    def open(self, frame: memoryview) -> memoryview:
        nonce = _NONCE.pack(self._prefix, self._counter, self._last)
        length = len(frame) - HEADER - TRAILER
        try:
            if self._shared:
                body = self._opened_shared(nonce, frame, length - shared.AROUND)
            else:
                body = self._body[:length]
                self._open(nonce, frame[HEADER:], frame[:HEADER], body)
        except InvalidTag as error:
            raise breach(f"frame {self._counter} is not authentic") from error
        self._opened()
        return body

    def _opened_shared(self, nonce: bytes, frame: memoryview, count: int) -> memoryview:
        """The record of a frame whose content, of `count` bytes, is sealed for several lanes."""
        end = HEADER + count + shared.TAG
        known = bytes(frame[:HEADER]) + bytes(frame[end - shared.TAG : end])
        found = self._cipher.decrypt(nonce, frame[end:], known)
        body = self._body[: RECORD + count]
        body[:RECORD] = found[shared.KEY :]
        shared.open_sealed(found[: shared.KEY], frame[HEADER:end], body[RECORD:])
        return body
