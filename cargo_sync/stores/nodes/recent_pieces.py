"""The newest pieces of contents that arrive, in memory, as records that lanes to nodes send.

A lane that keeps up with what arrives seals a piece where it lies: nothing is read from the spool,
and nothing is copied, because the memory is kept in which it came. If several lanes send the same,
the first one seals it for all of them, where it lies (wire/shared.py). A lane that does not keep up
reads from the spool; when all of them do, nothing is kept until one waits again. So memory is
bounded, and a slow node costs no more than the piece that is being sent to it.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cargo_sync.lanes.ports import Exchange
from cargo_sync.wire import records, shared
from cargo_sync.wire.frames import BODY_MAX, new_buffer

SMALLEST: Final = 256 << 10
"""Bytes from which a piece is kept."""
RECENT: Final = 6
"""Pieces of one content that are kept."""
ROOM: Final = 32
"""Pieces of all contents together."""
_FREE: Final = 8
"""So many free pieces of memory are kept."""


class RecordMemory:
    """Memory of records, used again: the system takes long to give new pages. Any thread.

    taken  by so many records
    """

    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()
        self._free: list[memoryview] = []

    def take(self) -> memoryview | None:
        """BODY_MAX bytes; None: all contents have enough."""
        with self._lock:
            if self.taken >= ROOM:
                return None
            self.taken += 1
            return self._free.pop() if self._free else new_buffer(BODY_MAX)

    def give(self, memory: memoryview) -> None:
        """Nobody uses this any more, nor what else is in its memory."""
        with self._lock:
            self.taken -= 1
            if len(self._free) < _FREE:
                self._free.append(memoryview(memory.obj))


class RecentPiece:
    """One of these.

    size    bytes of it
    record  in its memory; or, with a key, its content as it was sealed
    key     with which it was sealed for several lanes; b"" if it is not
    lent    to so many readers now
    read    by so many
    """

    __slots__ = ("is_kept", "key", "lent", "read", "record", "size")

    def __init__(self, record: memoryview) -> None:
        self.size = len(record) - records.SIZE
        self.record = record
        self.key = b""
        self.lent = self.read = 0
        self.is_kept = True


class RecentPieces:
    """Those of one content. Any thread may use it."""

    def __init__(self, memory: RecordMemory, entropy: Callable[[int], bytes] = os.urandom) -> None:
        """`entropy` gives so many bytes that nobody can guess."""
        self._memory = memory
        self._entropy = entropy
        self._lock = threading.Lock()
        self._pieces: OrderedDict[int, RecentPiece] = OrderedDict()
        """By offset, in the order in which they came."""
        self._readers = 0
        self._sharing = 0
        """So many of them take what is sealed for several lanes."""
        self._is_followed = False
        """Whether a reader keeps up."""

    # -- for who brings it -------------------------------------------------------------------------

    def keep(self, offset: int, content: memoryview, exchange: Exchange | None = None) -> None:
        """A piece has come; it is copied, unless its memory can be exchanged."""
        if not self._is_followed or not self._readers or len(content) < SMALLEST:
            return
        memory = self._memory.take()
        if memory is None:
            return
        length = records.SIZE + len(content)
        if exchange is not None and exchange(content, memory):
            memory = memoryview(content.obj)  # with room for a header: it was a record
        else:
            memory[records.SIZE : length] = content
        header = records.DATA, 0, 0, 0, len(content), offset
        records.HEADER.pack_into(memory, 0, *header)
        with self._lock:
            if not self._readers:  # the last one has gone meanwhile
                self._memory.give(memory)
                return
            if (earlier := self._pieces.pop(offset, None)) is not None:
                self._drop(earlier)
            self._pieces[offset] = RecentPiece(memory[:length])
            if len(self._pieces) > RECENT:
                _, oldest = self._pieces.popitem(last=False)
                self._is_followed = oldest.read > 0
                self._drop(oldest)

    def clear(self) -> None:
        """Nothing more comes."""
        with self._lock:
            self._is_followed = False
            while self._pieces:
                self._drop(self._pieces.popitem()[1])

    # -- for readers -------------------------------------------------------------------------------

    def enter(self, *, shares: bool = False) -> None:
        """There is one more reader; one that `shares` takes what is sealed for several lanes."""
        with self._lock:
            self._readers += 1
            self._sharing += shares

    def leave(self, *, shares: bool = False) -> None:
        """A reader has gone."""
        with self._lock:
            self._readers -= 1
            self._sharing -= shares
            for offset in [at for at, one in self._pieces.items() if one.read >= self._readers]:
                self._drop(self._pieces.pop(offset))

    def follow(self) -> None:
        """A reader has read all that has come."""
        self._is_followed = True

    def lend(
        self, header: bytes, offset: int, count: int, *, shares: bool = False
    ) -> RecentPiece | None:
        """The piece at an offset, if it is what this reader asks for; `give` ends it.

        Args:
            header: of the record with so many bytes that the reader is about to send.
            offset: where they begin.
            count: how many they are.
            shares: the piece may be sealed. Then it has a key, and no header.
        """
        with self._lock:
            piece = self._pieces.get(offset)
            if piece is None or piece.size != count:
                return None
            if shares and not piece.read and 1 < self._sharing == self._readers:
                self._seal(piece)
            fits = shares if piece.key else piece.record[: len(header)] == header
            if not fits:
                return None
            piece.lent += 1
            piece.read += 1
            return piece

    def give(self, offset: int, piece: RecentPiece) -> None:
        """A reader has done with a piece; when all have, its memory is free while it is hot."""
        with self._lock:
            piece.lent -= 1
            if piece.is_kept:
                if piece.read >= self._readers:
                    self._drop(self._pieces.pop(offset))
            elif not piece.lent:
                self._memory.give(piece.record)

    def _seal(self, piece: RecentPiece) -> None:
        """Seals a piece that nobody has read yet, where it lies; the lock is held.

        Other memory would be cold, and two lanes send from it.
        """
        key, content = self._entropy(shared.KEY), piece.record[records.SIZE :]
        memory = memoryview(piece.record.obj)[records.SIZE :]
        piece.record, piece.key = shared.seal(key, content, memory), key

    def _drop(self, piece: RecentPiece) -> None:
        """The lock is held; it is not in the table any more."""
        piece.is_kept = False
        if not piece.lent:
            self._memory.give(piece.record)
