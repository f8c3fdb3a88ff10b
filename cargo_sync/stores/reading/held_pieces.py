"""The pieces of contents that readers have in memory, or wait for.

A piece is kept while somebody wants it, and a little longer: several readers of one content ask the
nodes once, if they are near each other. Readers want no more than their window at a time, so what
is in memory does not grow with the size of a file, nor with a client that does not read.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from cargo_sync.model.problems import Problem
from cargo_sync.stores.contract import Content, Wake
from cargo_sync.stores.reading.pieces import Exchange, PieceRun, length_of
from cargo_sync.wire import records
from cargo_sync.wire.frames import BODY_MAX, new_buffer
from cargo_sync.wire.records import LentRecord

BATCH: Final = 1_000
"""Pieces that are asked for together,"""
BATCH_BYTES: Final = 8 << 20
"""and after so many bytes no further one."""
RECENT_BYTES: Final = 16 << 20
"""Pieces that nobody wants any more, but might again."""
POOLED: Final = 256 << 10
"""From so many bytes on the memory of a piece is used again."""
FREE: Final = 32
"""So many free pieces of memory are kept when nobody reads,"""
FREE_WHILE_READING: Final = 64
"""and so many while somebody does: those of four readers."""
_AGAIN: Final = 2
"""So often a piece is fetched once more for those who want it since; else who came first might wait
for ever."""
_LEAST: Final = 4_096
"""Each of them counts for at least so many bytes."""


class PieceKey(NamedTuple):
    """Which piece. Workspaces share none: nobody learns from the time what others have read."""

    workspace: int
    content: Content
    number: int

    @property
    def length(self) -> int:
        return length_of(self.content, self.number)


class PieceState(Enum):
    """Where a piece is."""

    AWAITED = "awaited"
    HERE = "here"
    FAILED = "failed"


class HeldPiece:
    """A piece. What changes of it is written under the lock of its table.

    users    how many want it
    is_lent  whether somebody sends it as it lies in memory
    memory   its bytes, once it is HERE; None: they are all zeros
    problem  why it has FAILED
    is_asked_again  somebody wants it since it was asked for: another node may have it by now
    again    how often it was fetched once more
    """

    __slots__ = (
        "again",
        "is_asked_again",
        "is_lent",
        "key",
        "memory",
        "problem",
        "state",
        "users",
        "wakes",
    )

    def __init__(self, key: PieceKey) -> None:
        self.key = key
        self.users = self.again = 0
        self.is_asked_again = False
        self.is_lent = False
        self.state = PieceState.AWAITED
        self.memory: memoryview | None = None
        self.problem: Problem | None = None
        self.wakes: list[Wake] = []

    def let_go(self) -> None:
        """It is not sent any more."""
        self.is_lent = False


class PieceMemory:
    """Memory of large pieces, used again: the system takes long to give new pages. Any thread.

    There is room for the header of a record before the bytes of a large piece.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[memoryview] = []

    def keep(self, content: memoryview, exchange: Exchange | None = None) -> memoryview:
        """The same bytes, in memory that nobody else has: copied only if they must be."""
        if len(content) < POOLED:
            return memoryview(bytes(content))
        memory = self._large()
        if exchange is not None and exchange(content, memory):
            return content
        kept = memory[records.SIZE : records.SIZE + len(content)]
        kept[:] = content
        return kept

    def take(self, length: int) -> memoryview:
        """Memory for a piece that is still to come. What is in it means nothing."""
        if length < POOLED:
            return memoryview(bytearray(length))
        return self._large()[records.SIZE : records.SIZE + length]

    def give(self, memory: memoryview | None) -> None:
        """Nobody uses this any more."""
        if memory is None or len(memory) < POOLED:
            return
        with self._lock:
            if len(self._free) < FREE_WHILE_READING:
                self._free.append(memoryview(memory.obj))

    def rest(self) -> None:
        """Nobody needs any for now: the system has most of it back."""
        with self._lock:
            del self._free[FREE:]

    def _large(self) -> memoryview:
        with self._lock:
            if self._free:
                return self._free.pop()
        return new_buffer(BODY_MAX)


class HeldPieces:
    """All of them. Any thread may use it."""

    def __init__(self, queued: Callable[[], object]) -> None:
        """`queued` is called when the first of some pieces is to be fetched; it must not block."""
        self._queued = queued
        self._lock = threading.Lock()
        self._pieces: dict[PieceKey, HeldPiece] = {}
        self._queue: OrderedDict[PieceKey, HeldPiece] = OrderedDict()
        self._recent: OrderedDict[PieceKey, HeldPiece] = OrderedDict()
        self._recent_bytes = 0
        self._stopped: Problem | None = None
        self._memory = PieceMemory()

    # -- for readers -------------------------------------------------------------------------------

    def want(self, keys: Iterable[PieceKey]) -> list[HeldPiece]:
        """Pieces, perhaps before they have come; each is to be given back once."""
        with self._lock:
            was_empty = not self._queue
            found = [self._wanted(key) for key in keys]
            queued = was_empty and bool(self._queue)
        if queued:
            self._queued()
        return found

    def lend(self, piece: HeldPiece, header: bytes) -> LentRecord | None:
        """A piece that is HERE as a record with this header, in its own memory.

        Nobody else gets its record until it is let go. None: somebody else has it, or it is none of
        those that have room for a header.
        """
        with self._lock:
            memory = piece.memory
            if piece.is_lent or memory is None or len(memory) < POOLED:
                return None
            piece.is_lent = True
        record = memoryview(memory.obj)[: records.SIZE + len(memory)]
        record[: records.SIZE] = header
        return LentRecord(record, piece.let_go)

    def give_back(self, pieces: Iterable[HeldPiece], *, is_passed: bool = False) -> None:
        """Somebody does not want these any more.

        `is_passed`: nobody will soon. Then their memory is used again while it is hot.
        """
        with self._lock:
            for piece in pieces:
                piece.users -= 1
                if piece.users or self._pieces.get(piece.key) is not piece:
                    continue
                del self._pieces[piece.key]
                self._queue.pop(piece.key, None)
                if piece.state is PieceState.HERE and is_passed:
                    self._drop(piece)
                elif piece.state is PieceState.HERE:
                    self._keep(piece)

    def rest(self) -> None:
        """Nobody reads now."""
        self._memory.rest()

    def is_settled(self, piece: HeldPiece, wake: Wake) -> bool:
        """Whether a piece is HERE or has FAILED; if not yet, `wake` is called then."""
        with self._lock:
            if piece.state is not PieceState.AWAITED:
                return True
            if wake not in piece.wakes:
                piece.wakes.append(wake)
            return False

    # -- for who fetches them ----------------------------------------------------------------------

    def batch(self) -> tuple[int, list[PieceRun]]:
        """The workspace and the runs that are to be fetched next; no runs if there are none."""
        keys = list[PieceKey]()
        size = 0
        with self._lock:
            queue = self._queue
            while queue and len(keys) < BATCH and size < BATCH_BYTES:
                key = next(iter(queue))
                if keys and key.workspace != keys[0].workspace:
                    break
                del queue[key]
                size += key.length
                keys.append(key)
        return (keys[0].workspace, _runs_of(keys)) if keys else (0, [])

    def came(
        self, key: PieceKey, memory: memoryview | None, exchange: Exchange | None = None
    ) -> None:
        """A piece is here; its bytes (None: zeros) are kept if somebody still wants it."""
        with self._lock:
            piece = self._pieces.get(key)
        if piece is not None:
            self._here(piece, None if memory is None else self._memory.keep(memory, exchange))

    def room(self, length: int) -> memoryview:
        """Memory in which a piece of so many bytes may come; see `came_there`."""
        return self._memory.take(length)

    def came_there(self, key: PieceKey, memory: memoryview) -> None:
        """As `came`, in memory from `room`; nobody else may have a view of it any more."""
        with self._lock:
            piece = self._pieces.get(key)
        if piece is None:
            self._memory.give(memory)
        else:
            self._here(piece, memory)

    def _here(self, piece: HeldPiece, kept: memoryview | None) -> None:
        key, wakes = piece.key, list[Wake]()
        with self._lock:
            if piece.state is PieceState.AWAITED and self._pieces.get(key) is piece:
                piece.memory, kept = kept, None
                wakes = _settle(piece, PieceState.HERE)
        self._memory.give(kept)
        for wake in wakes:
            wake()

    def missing(
        self, workspace: int, runs: Sequence[PieceRun], came: Collection[PieceKey] = ()
    ) -> list[PieceRun]:
        """What is still wanted of these, and is not here. See `fail` for `came`."""
        with self._lock:
            return _runs_of([piece.key for piece in self._awaited(workspace, runs, came)])

    def fail(
        self,
        workspace: int,
        runs: Sequence[PieceRun],
        why: Problem,
        came: Collection[PieceKey] = (),
    ) -> None:
        """What is missing of these does not come; what somebody wants since is fetched once more.

        `came` have come already: if one of them is awaited again, it is fetched once more, too.
        """
        wakes, queued = list[Wake](), False
        with self._lock:
            for piece in list(self._awaited(workspace, runs, came)):
                if piece.is_asked_again and piece.again < _AGAIN:
                    piece.is_asked_again, queued = False, True
                    piece.again += 1
                    self._queue[piece.key] = piece
                else:
                    wakes += self._failed(piece, why)
        if queued:
            self._queued()
        for wake in wakes:
            wake()

    def start(self) -> None:
        """Pieces will be fetched from now on."""
        with self._lock:
            self._stopped = None

    def stop(self, why: Problem) -> None:
        """None are fetched any more."""
        wakes = list[Wake]()
        with self._lock:
            self._stopped = why
            self._queue.clear()
            for piece in list(self._pieces.values()):
                if piece.state is PieceState.AWAITED:
                    wakes += self._failed(piece, why)
        for wake in wakes:
            wake()

    # -- with the lock -----------------------------------------------------------------------------

    def _awaited(
        self, workspace: int, runs: Sequence[PieceRun], came: Collection[PieceKey]
    ) -> Iterator[HeldPiece]:
        """What of these is awaited, but for what has come once."""
        for content, first, count in runs:
            for number in range(first, first + count):
                key = PieceKey(workspace, content, number)
                piece = self._pieces.get(key)
                if piece is not None and piece.state is PieceState.AWAITED and key not in came:
                    yield piece

    def _wanted(self, key: PieceKey) -> HeldPiece:
        piece = self._pieces.get(key)
        if piece is None:
            piece = self._recent.pop(key, None)
            if piece is not None:
                self._recent_bytes -= _cost(piece)
            else:
                piece = HeldPiece(key)
                if self._stopped is None:
                    self._queue[key] = piece
                else:
                    piece.state, piece.problem = PieceState.FAILED, self._stopped
            self._pieces[key] = piece
        elif piece.state is PieceState.AWAITED and key not in self._queue:
            piece.is_asked_again = True
        piece.users += 1
        return piece

    def _failed(self, piece: HeldPiece, why: Problem) -> list[Wake]:
        """It fails for those who want it now; who wants it later begins anew."""
        del self._pieces[piece.key]
        piece.problem = why
        return _settle(piece, PieceState.FAILED)

    def _keep(self, piece: HeldPiece) -> None:
        self._recent[piece.key] = piece
        self._recent_bytes += _cost(piece)
        while self._recent_bytes > RECENT_BYTES:
            gone = self._recent.popitem(last=False)[1]
            self._recent_bytes -= _cost(gone)
            self._drop(gone)

    def _drop(self, piece: HeldPiece) -> None:
        """Its memory is used again; if somebody still sends it, it goes with the record."""
        if not piece.is_lent:
            self._memory.give(piece.memory)


def _runs_of(keys: Sequence[PieceKey]) -> list[PieceRun]:
    """Pieces of one workspace as runs."""
    runs = list[PieceRun]()
    content, first, until = None, 0, 0
    for key in keys:
        if content is None or key.number != until or key.content != content:
            if content is not None:
                runs.append(PieceRun(content, first, until - first))
            content, first = key.content, key.number
        until = key.number + 1
    if content is not None:
        runs.append(PieceRun(content, first, until - first))
    return runs


def _settle(piece: HeldPiece, state: PieceState) -> list[Wake]:
    piece.state = state
    wakes, piece.wakes = piece.wakes, []
    return wakes


def _cost(piece: HeldPiece) -> int:
    return max(_LEAST, len(piece.memory or b""))
