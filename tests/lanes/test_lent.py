"""A source may have pieces in memory as records: they are sent as they lie there."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from cargo_sync.model.transfers import Offer
from cargo_sync.testing.disk import MemoryFile, MemoryReader, MemorySource
from cargo_sync.wire import records, shared
from cargo_sync.wire.frames import PIECE, new_buffer
from cargo_sync.wire.records import LentRecord
from cargo_sync.wire.shared import SharedRecord
from tests.lanes.flows import Flow, links

CONTENT = b"".join(bytes([number]) * PIECE for number in range(1, 4)) + b"end"
PIECES = range(0, len(CONTENT), PIECE)
HEADER = records.HEADER.pack(records.DATA, 0, 0, 0, PIECE, 0)


class LendingReader(MemoryReader):
    """Lends the pieces at some offsets, and notes which are read."""

    def __init__(self, source: "LendingSource", offer: Offer) -> None:
        super().__init__(source, offer)
        self._lends, self._read, self._gone = source.lends, source.read_at, source.gone
        self._is_sealed = source.is_sealed

    def record(self, header: bytes, offset: int, count: int) -> LentRecord | SharedRecord | None:
        if offset not in self._lends:
            return None
        content = CONTENT[offset : offset + count]
        if self._is_sealed:
            return replace(sealed_once(content, self._gone), header=header)
        return lent_once(header, content, self._gone)

    def read_into(self, view: memoryview, offset: int) -> int | None:
        self._read.append(offset)
        return super().read_into(view, offset)


class LendingSource(MemorySource):
    """Some of its pieces are in memory.

    read_at  offsets of those that were read
    gone     lengths of the contents that were let go
    """

    def __init__(self, lends: Collection[int], *, is_sealed: bool = False) -> None:
        super().__init__({"large": MemoryFile(CONTENT), "small": MemoryFile(b"small")})
        self.lends = lends
        self.is_sealed = is_sealed
        self.read_at, self.gone = list[int](), list[int]()

    def open(self, offer: Offer) -> MemoryReader:
        reader = super().open(offer)
        return LendingReader(self, offer) if offer.path == "large" else reader


@pytest.mark.parametrize("lends", [(), (0, PIECE), PIECES], ids=["none", "some", "all"])
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
def test_what_is_lent_is_not_read(sealed: bool, lends: Collection[int]) -> None:
    source = LendingSource(lends)
    flow = Flow(True, source, sealed=sealed)
    flow.batch(0, flow.offers("large", "small"))
    flow.sender.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.published() == {"large": CONTENT, "small": b"small"}
    assert source.read_at == [at for at in PIECES if at not in lends]
    assert source.gone == [min(PIECE, len(CONTENT) - at) for at in lends], "each once"


def lent_once(header: bytes, content: bytes, gone: list[int]) -> LentRecord:
    """A record whose memory is overwritten as soon as it is let go."""
    memory = memoryview(bytearray(header + content))

    def let_go() -> None:
        gone.append(len(content))
        memory[:] = bytes(len(memory))

    return LentRecord(memory, let_go)


def sealed_once(content: bytes, gone: list[int]) -> SharedRecord:
    """As `lent_once`, but sealed for several lanes."""
    memory, key = new_buffer(PIECE + shared.TAG), bytes(range(32))

    def let_go() -> None:
        gone.append(len(content))
        memory[:] = bytes(len(memory))

    return SharedRecord(HEADER, shared.seal(key, memoryview(content), memory), key, let_go)


@pytest.mark.parametrize("capacity", [1 << 16, 3 << 20], ids=["in parts", "at once"])
def test_what_is_sealed_already_is_sent_as_it_lies(capacity: int) -> None:
    source = LendingSource((0, PIECE), is_sealed=True)
    flow = Flow(True, source, capacity=capacity)
    flow.receiver.link.takes_shared()
    flow.batch(0, flow.offers("large", "small"))
    flow.sender.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.published() == {"large": CONTENT, "small": b"small"}
    assert source.gone == [PIECE, PIECE], "each once"


@pytest.mark.parametrize("ends_early", [False, True], ids=["to its end", "broken off"])
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed already", "plain"])
def test_it_stays_until_all_of_it_is_sent(sealed: bool, ends_early: bool) -> None:
    content, gone = b"x" * PIECE, list[int]()
    sender, receiver = links(sealed, capacity=PIECE)
    receiver.takes_shared()
    one = sealed_once(content, gone) if sealed else lent_once(HEADER, content, gone)
    sender.lend(one)
    total = sender.close_frame(len(HEADER) + PIECE)
    assert not sender.flush() and sender.pending and not gone
    if ends_early:
        sender.close()
        assert gone == [PIECE] and not sender.pending
        sender.close()
    else:
        assert receiver.receive() is None and sender.flush() and sender.sent == total
        assert bytes(receiver.receive() or b"") == HEADER + content
    assert gone == [PIECE]


def test_what_a_lane_seals_itself_it_needs_no_longer() -> None:
    gone = list[int]()
    sender, receiver = links(True, capacity=PIECE)
    sender.lend(lent_once(HEADER, b"x" * PIECE, gone))
    sender.close_frame(len(HEADER) + PIECE)
    assert gone == [PIECE] and sender.pending
    while not sender.flush():
        assert receiver.receive() is None
    assert bytes(receiver.receive() or b"") == HEADER + b"x" * PIECE


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed already", "plain"])
def test_a_lane_that_ends_before_it_was_sent_lets_it_go(sealed: bool) -> None:
    gone, content = list[int](), b"x" * PIECE
    sender, _ = links(sealed)
    sender.lend(sealed_once(content, gone) if sealed else lent_once(HEADER, content, gone))
    sender.close()
    assert gone == [PIECE]


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
def test_a_file_that_is_stopped_while_a_piece_is_sent_spoils_nothing(sealed: bool) -> None:
    """Its reader is closed, but its piece is still on its way."""
    source = LendingSource(PIECES)
    flow = Flow(True, source, sealed=sealed, capacity=PIECE)
    flow.batch(0, flow.offers("large", "small"))
    flow.sender.finish()
    while not flow.sender.link.pending or not flow.sender.figures().content:
        flow.sender.step()
        flow.receiver.step()
    flow.sender.stop(0, 0)
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.published() == {"small": b"small"}
    assert source.gone and set(source.gone) == {PIECE}, "not all of it was sent"
