"""Contents that lie elsewhere are read a window of pieces at a time, as far as their readers come.

A reader wants the pieces from where it reads on: one at first, then twice as many each time, until
its window is as large as all readers together leave it. So a range of a large file costs little
more than that range, and a client that does not read keeps nothing but its window.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import Content, Wake
from cargo_sync.stores.reading.ahead import AHEAD_PIECES, AheadContents, ReadingAhead, SmallAsks
from cargo_sync.stores.reading.held_pieces import HeldPiece, HeldPieces, PieceKey, PieceState
from cargo_sync.stores.reading.packet_memory import PacketMemory
from cargo_sync.stores.reading.pieces import length_of, pieces_of
from cargo_sync.wire.records import LentRecord

WINDOW: Final = 16
"""The most pieces that one reader wants at a time."""
ALL_WINDOWS: Final = 128
"""Pieces that all readers together may want; each may want one."""


class ContentReading:
    """Opens contents. Any thread may use it."""

    def __init__(self, held: HeldPieces, asks: SmallAsks) -> None:
        self.held = held
        self._lock = threading.Lock()
        self._readers = 0
        self._reading = Counter[tuple[int, Content]]()
        """How many of them read each content."""
        self.packets = PacketMemory()
        self._ahead = ReadingAhead(held, asks, self.packets)

    def open(self, workspace: int, content: Content, wake: Wake | None) -> "PieceReader":
        """See `ContentStore.open`."""
        with self._lock:
            self._readers += 1
            self._reading[workspace, content] += 1
        ahead = self._ahead.find(workspace, content)
        start = AHEAD_PIECES if ahead is not None else 1
        reader = PieceReader(self, PieceKey(workspace, content, 0), wake, start)
        if ahead is not None:
            reader.reach(0, 0)
            ahead.opened(content)
        return reader

    def ahead(
        self, workspace: int, contents: Sequence[Content], wake: Wake | None = None
    ) -> AheadContents:
        """See `ContentStore.coming`."""
        return self._ahead.begin(workspace, contents, wake)

    # -- for readers -------------------------------------------------------------------------------

    def window(self) -> int:
        """The most pieces that a reader may want now."""
        return max(1, min(WINDOW, ALL_WINDOWS // max(1, self._readers)))

    def is_alone(self, key: PieceKey) -> bool:
        """Whether nobody else reads this content."""
        return self._reading[key.workspace, key.content] == 1

    def closed(self, key: PieceKey) -> None:
        """A reader has ended."""
        of = key.workspace, key.content
        with self._lock:
            self._readers -= 1
            self._reading[of] -= 1
            if not self._reading[of]:
                del self._reading[of]
            is_quiet = not self._readers
        if is_quiet:
            self.held.rest()


class PieceReader:
    """A content, perhaps before anything of it has come. See `lanes.ports.RecordReader`."""

    def __init__(
        self, reading: ContentReading, first: PieceKey, wake: Wake | None, start: int
    ) -> None:
        """`start` pieces are wanted at first. With `wake` None it waits."""
        self._reading = reading
        self._key = first
        self._content = first.content
        self._event = threading.Event() if wake is None else None
        self._wake: Callable[[], None] = wake or self._event_set
        self._held: dict[int, HeldPiece] = {}
        self._next = 0
        """The first piece that was not wanted yet, behind those that are held."""
        self._window = start

    def record(self, header: bytes, offset: int, count: int) -> LentRecord | None:
        number, inside = divmod(offset, PIECE)
        if self._event is not None or inside or count != length_of(self._content, number):
            return None
        self.reach(number, number)
        if not self._is_here(number):
            return None
        return self._reading.held.lend(self._held[number], header)

    def read_into(self, view: memoryview, offset: int) -> int | None:
        total = max(0, min(len(view), self._content.size - offset))
        if not total:
            return 0
        first, last = offset // PIECE, (offset + total - 1) // PIECE
        if self._event is None:
            self.reach(first, last)
            if not all(self._is_here(number) for number in range(first, last + 1)):
                return None
        done = 0
        for number in range(first, last + 1):
            if self._event is not None:
                self.reach(number, number)
                while not self._is_here(number):
                    self._event.wait()
                    self._event.clear()
            inside = offset + done - number * PIECE
            length = min(self._held[number].key.length - inside, total - done)
            memory, part = self._held[number].memory, view[done : done + length]
            part[:] = bytes(length) if memory is None else memory[inside : inside + length]
            done += length
        return done

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        """As of a reader; holes are known only of pieces that are here."""
        number = offset // PIECE
        end, is_hole = min(until, (number + 1) * PIECE), self._is_hole(number)
        while is_hole and end < until and self._is_hole(number := number + 1):
            end = min(until, (number + 1) * PIECE)
        return end, is_hole

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        self._reading.held.give_back(self._held.values())
        self._held.clear()
        self._reading.closed(self._key)

    def reach(self, first: int, last: int) -> None:
        """It reads these pieces now: those before them go, and those behind them are wanted."""
        held = self._held
        if first not in held and first != self._next:
            self._reading.held.give_back(held.values())
            held.clear()
            self._next, self._window = first, 1
        elif passed := [number for number in held if number < first]:
            pieces = [held.pop(number) for number in passed]
            self._reading.held.give_back(pieces, is_passed=self._reading.is_alone(self._key))
        until = min(pieces_of(self._content), first + max(self._window, last + 1 - first))
        left = self._next - first
        if left > last - first and left > self._window // 2:
            return
        numbers = range(self._next, until)
        if numbers:
            workspace, content, _ = self._key
            keys = [PieceKey(workspace, content, number) for number in numbers]
            held.update(zip(numbers, self._reading.held.want(keys), strict=True))
            self._next = until
            self._window = min(2 * self._window, self._reading.window())

    def _is_here(self, number: int) -> bool:
        """Whether a piece is here; if not, it is waited for. Raises ProblemError: it failed."""
        piece = self._held[number]
        if not self._reading.held.is_settled(piece, self._wake):
            return False
        if piece.problem is not None:
            raise ProblemError(piece.problem)
        return True

    def _is_hole(self, number: int) -> bool:
        piece = self._held.get(number)
        return piece is not None and piece.state is PieceState.HERE and piece.memory is None

    def _event_set(self) -> None:
        assert self._event is not None, "it waits"
        self._event.set()
