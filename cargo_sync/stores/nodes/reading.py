"""Contents that lie on nodes are read a window of pieces at a time, as far as their readers come.

A reader wants the pieces from where it reads on: one at first, then twice as many each time, until
its window is as large as all readers together leave it. So a range of a large file costs little
more than that range, and a client that does not read keeps nothing but its window.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final

from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import Content, Wake
from cargo_sync.stores.nodes.held_pieces import HeldPiece, HeldPieces, PieceKey, PieceState
from cargo_sync.stores.nodes.pieces import pieces_of

WINDOW: Final = 16
"""The most pieces that one reader wants at a time."""
ALL_WINDOWS: Final = 128
"""Pieces that all readers together may want; each may want one."""
AHEAD_BYTES: Final = 32 << 20
"""Bytes that are fetched before their files are opened, of all lanes together."""
AHEAD_PIECES: Final = 4
"""Pieces of a large file that are fetched before it is opened."""
_LEAST_AHEAD: Final = 2 << 20


class NodeReading:
    """Opens contents on nodes. Any thread may use it."""

    def __init__(self, held: HeldPieces) -> None:
        self.held = held
        self._lock = threading.Lock()
        self._readers = 0
        self._ahead: dict[tuple[int, Content], AheadContents] = {}
        """What holds the beginning of a content that will be opened soon."""
        self._lanes: set[AheadContents] = set()

    def open(self, workspace: int, content: Content, wake: Wake | None) -> "PieceReader":
        """See `ContentStore.open`."""
        with self._lock:
            self._readers += 1
            ahead = self._ahead.get((workspace, content))
        start = AHEAD_PIECES if ahead is not None else 1
        reader = PieceReader(self, PieceKey(workspace, content, 0), wake, start)
        if ahead is not None:
            reader.reach(0, 0)
            ahead.opened(content)
        return reader

    def ahead(self, workspace: int, contents: Sequence[Content]) -> "AheadContents":
        """See `ContentStore.coming`."""
        found = AheadContents(self, workspace, contents)
        with self._lock:
            self._lanes.add(found)
        found.fill()
        return found

    # -- for readers, and what is fetched ahead ----------------------------------------------------

    def window(self) -> int:
        """The most pieces that a reader may want now."""
        return max(1, min(WINDOW, ALL_WINDOWS // max(1, self._readers)))

    def room_ahead(self) -> int:
        """The bytes that one batch may have fetched ahead now."""
        return max(_LEAST_AHEAD, AHEAD_BYTES // max(1, len(self._lanes)))

    def closed(self) -> None:
        """A reader has ended."""
        with self._lock:
            self._readers -= 1

    def note_ahead(self, ahead: "AheadContents", key: tuple[int, Content]) -> bool:
        """The beginning of a content is to be held; False if another batch holds it."""
        with self._lock:
            return self._ahead.setdefault(key, ahead) is ahead

    def forget_ahead(self, key: tuple[int, Content]) -> None:
        """It is not held any more."""
        with self._lock:
            del self._ahead[key]

    def over(self, ahead: "AheadContents") -> None:
        """Nothing more is fetched ahead for it."""
        with self._lock:
            self._lanes.discard(ahead)


class AheadContents:
    """Contents that will be opened soon, in their order. See `contract.Coming`."""

    def __init__(self, reading: NodeReading, workspace: int, contents: Sequence[Content]) -> None:
        self._reading = reading
        self._workspace = workspace
        self._lock = threading.Lock()
        self._left = deque(contents)
        self._held: OrderedDict[Content, list[HeldPiece]] = OrderedDict()
        self._bytes = 0

    def is_over(self) -> bool:
        with self._lock:
            return not self._left and not self._held

    def close(self) -> None:
        with self._lock:
            self._left.clear()
            self._drop(list(self._held))
        self._reading.over(self)

    def opened(self, content: Content) -> None:
        """One was opened: those before it will not be."""
        with self._lock:
            if content not in self._held:
                return
            before = []
            for one in self._held:
                before.append(one)
                if one == content:
                    break
            self._drop(before)
        self.fill()

    def fill(self) -> None:
        """Wants the next ones, if there is room for many of them."""
        with self._lock:
            room = self._reading.room_ahead()
            if self._bytes > room // 2:
                return
            keys, owners = list[PieceKey](), list[Content]()
            while self._left and self._bytes < room:
                content = self._left.popleft()
                if not self._reading.note_ahead(self, (self._workspace, content)):
                    continue
                if content in self._held:
                    continue
                self._held[content] = []
                for number in range(min(AHEAD_PIECES, pieces_of(content))):
                    keys.append(PieceKey(self._workspace, content, number))
                    owners.append(content)
                    self._bytes += keys[-1].length
            pieces = self._reading.held.want(keys)
            for content, piece in zip(owners, pieces, strict=True):
                self._held[content].append(piece)
            is_over = not self._left and not self._held
        if is_over:
            self._reading.over(self)

    def _drop(self, some: Sequence[Content]) -> None:
        """The lock is held."""
        gone = list[HeldPiece]()
        for content in some:
            gone += self._held.pop(content)
            self._reading.forget_ahead((self._workspace, content))
        self._bytes -= sum(piece.key.length for piece in gone)
        self._reading.held.give_back(gone)


class PieceReader:
    """A content, perhaps before anything of it has come. See `lanes.ports.Reader`."""

    def __init__(
        self, reading: NodeReading, first: PieceKey, wake: Wake | None, start: int
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
        self._reading.closed()

    def reach(self, first: int, last: int) -> None:
        """It reads these pieces now: those before them go, and those behind them are wanted."""
        held = self._held
        if first not in held and first != self._next:
            self._reading.held.give_back(held.values())
            held.clear()
            self._next, self._window = first, 1
        elif passed := [number for number in held if number < first]:
            self._reading.held.give_back([held.pop(number) for number in passed])
        until = min(pieces_of(self._content), first + max(self._window, last + 1 - first))
        left = self._next - first
        if left > last - first and left > self._window // 2:
            return
        numbers = range(self._next, until)
        if numbers:
            keys = [self._key._replace(number=number) for number in numbers]
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
