"""What a lane will read soon is fetched before: small contents in packets, large ones in part.

A small content that comes in a packet is an optimistic try: what does not come so, because its node
went away or has not all of a packet, is fetched as the pieces of large contents are, one by one,
from whichever node has it.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.lanes.ports import Exchange
from cargo_sync.stores.contract import Content, Wake
from cargo_sync.stores.packets import SMALL
from cargo_sync.stores.reading.held_pieces import HeldPiece, HeldPieces, PieceKey
from cargo_sync.stores.reading.packet_memory import KeptPacket, PacketMemory
from cargo_sync.stores.reading.pieces import pieces_of

AHEAD_BYTES: Final = 32 << 20
"""Bytes that are fetched before their files are opened, of all lanes together."""
AHEAD_PIECES: Final = 4
"""Pieces of a large file that are fetched before it is opened."""
_LEAST_AHEAD: Final = 2 << 20
_OVERHEAD: Final = 256
"""Bytes that a small content takes beside its own."""


class SmallAsk(NamedTuple):
    """Small contents, each once, that are to be fetched for somebody."""

    workspace: int
    contents: Sequence[Content]
    ahead: "AheadContents"


class SmallAsks:
    """What small contents are to be fetched. Any thread may use it."""

    def __init__(self, queued: Callable[[], object]) -> None:
        """`queued` is called when there is something; it must not block."""
        self._queued = queued
        self._lock = threading.Lock()
        self._asked = deque[SmallAsk]()
        self._is_stopped = False

    def add(self, ask: SmallAsk) -> None:
        """These are to be fetched."""
        with self._lock:
            if not self._is_stopped:
                self._asked.append(ask)
        if self._is_stopped:
            ask.ahead.over(ask.contents)
        else:
            self._queued()

    def next(self) -> SmallAsk | None:
        """What is to be fetched next."""
        with self._lock:
            return self._asked.popleft() if self._asked else None

    def start(self) -> None:
        """They will be fetched from now on."""
        self._is_stopped = False

    def stop(self) -> None:
        """None are fetched any more."""
        with self._lock:
            self._is_stopped = True
        while ask := self.next():
            ask.ahead.over(ask.contents)


class ReadingAhead:
    """All that is fetched ahead. Any thread may use it."""

    def __init__(self, held: HeldPieces, asks: SmallAsks, packets: PacketMemory) -> None:
        self.held = held
        self.asks = asks
        self.packets = packets
        self._lock = threading.Lock()
        self._lanes: set[AheadContents] = set()
        self._begun: dict[tuple[int, Content], AheadContents] = {}
        """What holds the beginning of a content that will be opened soon."""

    def begin(
        self, workspace: int, contents: Sequence[Content], wake: Wake | None
    ) -> "AheadContents":
        """See `ContentStore.coming`."""
        found = AheadContents(self, workspace, contents, wake)
        with self._lock:
            self._lanes.add(found)
        found.fill()
        return found

    def find(self, workspace: int, content: Content) -> "AheadContents | None":
        """Who holds the beginning of this content."""
        with self._lock:
            return self._begun.get((workspace, content))

    # -- for what is fetched ahead -----------------------------------------------------------------

    def room(self) -> int:
        """The bytes that one batch may have fetched now."""
        return max(_LEAST_AHEAD, AHEAD_BYTES // max(1, len(self._lanes)))

    def note(self, ahead: "AheadContents", key: tuple[int, Content]) -> bool:
        """The beginning of a content is to be held; False if another batch holds it."""
        with self._lock:
            return self._begun.setdefault(key, ahead) is ahead

    def forget(self, key: tuple[int, Content]) -> None:
        """It is not held any more."""
        with self._lock:
            del self._begun[key]

    def over(self, ahead: "AheadContents") -> None:
        """Nothing more is fetched for it."""
        with self._lock:
            self._lanes.discard(ahead)


class AheadContents:
    """Contents that will be read soon, in their order. See `contract.Coming`."""

    def __init__(
        self,
        reading: ReadingAhead,
        workspace: int,
        contents: Sequence[Content],
        wake: Wake | None,
    ) -> None:
        self._reading = reading
        self._workspace = workspace
        self._wake = wake
        self._lock = threading.Lock()
        self._left = deque(contents)
        self._bytes = 0
        self._held: OrderedDict[Content, list[HeldPiece]] = OrderedDict()
        self._order = deque[Content]()
        """Small contents that were asked for and are not read yet; one may be there twice."""
        self._uses: dict[str, int] = {}
        """How often each is there."""
        self._here: dict[str, tuple[memoryview, KeptPacket | None]] = {}
        """Those that have come, each with the packet in whose memory it is."""
        self._passed: list[KeptPacket] = []
        """Packets of which nothing is needed any more, but what was read last."""
        self._awaited: set[str] = set()
        self._missed = ""
        """The hash of what somebody wanted to read, and waits for."""

    def is_over(self) -> bool:
        with self._lock:
            return self._is_over()

    def close(self) -> None:
        with self._lock:
            self._left.clear()
            self._order.clear()
            for _, packet in self._here.values():
                self._leave(packet)
            for some in (self._uses, self._here, self._awaited):
                some.clear()
            self._missed = ""
            self._drop(list(self._held))
        self._give_passed()
        self._reading.over(self)

    def read(self, contents: Sequence[Content], views: Sequence[memoryview]) -> tuple[int, bool]:
        with self._lock:
            count, is_coming = self._give_out(contents, views), False
            if count < len(contents):
                content = contents[count]
                is_coming = content.hash in self._awaited
                self._missed = content.hash if is_coming else ""
                if not is_coming:
                    self._pass(content)  # it will be opened
        if count:
            self._give_passed()
            self.fill()
        return count, is_coming

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
        """Asks for the next ones, if there is room for many of them."""
        small = list[Content]()
        with self._lock:
            room = self._reading.room()
            if self._bytes > room // 2:
                return
            large = list[Content]()
            while self._left and self._bytes < room:
                content = self._left.popleft()
                if self._wake is None or content.size > SMALL:
                    large.append(content)
                    self._bytes += self._begin(content)
                    continue
                self._order.append(content)
                uses = self._uses[content.hash] = self._uses.get(content.hash, 0) + 1
                if uses == 1:
                    small.append(content)
                    self._bytes += content.size + _OVERHEAD
            self._want(large)
            self._awaited.update([one.hash for one in small])
            is_over = self._is_over()
        if small:
            self._reading.asks.add(SmallAsk(self._workspace, small, self))
        elif is_over:
            self._reading.over(self)

    def _give_passed(self) -> None:
        """What was read last was copied."""
        passed, self._passed = self._passed, []
        for packet in passed:
            packet.give()

    # -- for who fetches small ones ----------------------------------------------------------------

    def keep(self, packet: memoryview, exchange: Exchange | None) -> KeptPacket:
        """A packet that has come, in memory of ours; `came` comes next."""
        return self._reading.packets.keep(packet, exchange)

    def came(
        self, some: Sequence[tuple[str, memoryview]], packet: KeptPacket | None = None
    ) -> None:
        """Small contents are here: hashes and bytes, which are used as they are.

        They are in the memory of `packet`, which is given back when all of them were read.
        """
        with self._lock:
            awaited, here, count = self._awaited, self._here, 0
            for hash, memory in some:
                if hash in awaited:
                    awaited.remove(hash)
                    here[hash] = memory, packet
                    count += 1
            if packet is not None:
                packet.left = count
            wake = self._woken()
        if packet is not None and not count:
            packet.give()
        if wake is not None:
            wake()

    def over(self, contents: Sequence[Content]) -> None:
        """No more of these come in packets: what is missing is fetched as large ones are."""
        with self._lock:
            lost = [one for one in contents if one.hash in self._awaited]
            self._awaited.difference_update([one.hash for one in lost])
            self._bytes -= sum(one.size + _OVERHEAD for one in lost)
            self._bytes += sum(map(self._begin, lost))
            self._want(lost)
            wake = self._woken()
        if wake is not None:
            wake()

    # -- with the lock -----------------------------------------------------------------------------

    def _is_over(self) -> bool:
        return not (self._left or self._held or self._order)

    def _woken(self) -> Wake | None:
        """Who is to be woken, because what they wait for is here or does not come."""
        if not self._missed or self._missed in self._awaited:
            return None
        self._missed = ""
        return self._wake

    def _give_out(self, contents: Sequence[Content], views: Sequence[memoryview]) -> int:
        """Copies the first ones that are here; how many. Each is passed: they are many."""
        here, order, uses = self._here, self._order, self._uses
        count = 0
        for content, view in zip(contents, views, strict=False):
            hash, size = content
            if (found := here.get(hash)) is None:
                break
            memory, packet = found
            view[:] = memory
            count += 1
            if order[0] != content or uses[hash] > 1:
                self._pass(content)
                continue
            order.popleft()
            del uses[hash], here[hash]
            self._bytes -= size + _OVERHEAD
            if packet is not None:
                packet.left -= 1
                if not packet.left:
                    self._passed.append(packet)
        return count

    def _pass(self, content: Content) -> None:
        """A small content is read: those before it will not be."""
        if content.hash not in self._uses:
            return
        one = None
        while one != content:
            one = self._order.popleft()
            if left := self._uses[one.hash] - 1:
                self._uses[one.hash] = left
                continue
            del self._uses[one.hash]
            if (here := self._here.pop(one.hash, None)) is not None:
                self._bytes -= one.size + _OVERHEAD
                self._leave(here[1])
            elif one.hash in self._awaited:
                self._awaited.remove(one.hash)
                self._bytes -= one.size + _OVERHEAD

    def _leave(self, packet: KeptPacket | None) -> None:
        """One of its contents is not needed any more, once it was read."""
        if packet is not None:
            packet.left -= 1
            if not packet.left:
                self._passed.append(packet)

    def _begin(self, content: Content) -> int:
        """The beginning of a content is to be held by us; returns how many bytes that is."""
        if content in self._held or not self._reading.note(self, (self._workspace, content)):
            return 0
        self._held[content] = []
        return sum(key.length for key in self._keys(content))

    def _want(self, some: Sequence[Content]) -> None:
        """Asks for the beginnings that are held by us and were not asked for."""
        some = [one for one in dict.fromkeys(some) if self._held.get(one) == []]
        keys = [key for one in some for key in self._keys(one)]
        for piece in self._reading.held.want(keys):
            self._held[piece.key.content].append(piece)

    def _keys(self, content: Content) -> list[PieceKey]:
        count = min(AHEAD_PIECES, pieces_of(content))
        return [PieceKey(self._workspace, content, number) for number in range(count)]

    def _drop(self, some: Sequence[Content]) -> None:
        gone = list[HeldPiece]()
        for content in some:
            gone += self._held.pop(content)
            self._reading.forget((self._workspace, content))
        self._bytes -= sum(piece.key.length for piece in gone)
        self._reading.held.give_back(gone)
