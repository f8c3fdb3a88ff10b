"""A source may have pieces in memory as records: they are sent as they lie there."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from cargo_sync.model.transfers import Offer
from cargo_sync.testing.disk import MemoryFile, MemoryReader, MemorySource
from cargo_sync.wire import records, shared
from cargo_sync.wire.frames import PIECE, new_buffer
from cargo_sync.wire.shared import SharedRecord
from tests.lanes.flows import Flow, links

CONTENT = b"".join(bytes([number]) * PIECE for number in range(1, 4)) + b"end"
PIECES = range(0, len(CONTENT), PIECE)


class LendingReader(MemoryReader):
    """Lends the pieces at some offsets, and notes which are read."""

    def __init__(self, source: "LendingSource", offer: Offer) -> None:
        super().__init__(source, offer)
        self._lends, self._read = source.lends, source.read_at
        self._shares = source.shares
        self._lent = memoryview(bytearray())

    def record(self, header: bytes, offset: int, count: int) -> memoryview | SharedRecord | None:
        self._end()
        if offset not in self._lends:
            return None
        if self._shares is not None:
            once = sealed_once(CONTENT[offset : offset + count], self._shares)
            return replace(once, header=header)
        self._lent = memoryview(bytearray(header + CONTENT[offset : offset + count]))
        return self._lent

    def read_into(self, view: memoryview, offset: int) -> int | None:
        self._end()
        self._read.append(offset)
        return super().read_into(view, offset)

    def close(self) -> None:
        self._end()
        super().close()

    def _end(self) -> None:
        self._lent[records.SIZE :] = bytes(max(0, len(self._lent) - records.SIZE))
        self._lent = self._lent[:0]


class LendingSource(MemorySource):
    """`read_at` are offsets.

    shares  gets a number for each record that was let go, if they are sealed already
    """

    def __init__(self, lends: Collection[int], shares: list[int] | None = None) -> None:
        super().__init__({"large": MemoryFile(CONTENT), "small": MemoryFile(b"small")})
        self.lends = lends
        self.shares = shares
        self.read_at = list[int]()

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
    # The last piece is read in each case: its reader is closed before its frame.
    assert source.read_at == [at for at in PIECES if at not in lends or at == PIECES[-1]]


def sealed_once(content: bytes, gone: list[int]) -> SharedRecord:
    """A record whose memory is overwritten as soon as it is let go."""
    memory, key = new_buffer(PIECE + shared.TAG), bytes(range(32))

    def let_go() -> None:
        gone.append(len(content))
        memory[:] = bytes(len(memory))

    header = records.HEADER.pack(records.DATA, 0, 0, 0, len(content), 0)
    return SharedRecord(header, shared.seal(key, memoryview(content), memory), key, let_go)


@pytest.mark.parametrize("capacity", [1 << 16, 3 << 20], ids=["in parts", "at once"])
def test_what_is_sealed_already_is_sent_as_it_lies(capacity: int) -> None:
    gone = list[int]()
    source = LendingSource((0, PIECE), gone)
    flow = Flow(True, source, capacity=capacity)
    flow.receiver.link.takes_shared()
    flow.batch(0, flow.offers("large", "small"))
    flow.sender.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.published() == {"large": CONTENT, "small": b"small"}
    assert gone == [PIECE, PIECE], "each once"


def test_it_stays_until_all_of_it_is_sent() -> None:
    content, gone = b"x" * PIECE, list[int]()
    for ends_early in (False, True):
        gone.clear()
        sender, receiver = links(True, capacity=PIECE)
        receiver.takes_shared()
        one = sealed_once(content, gone)
        sender.lend(one)
        total = sender.close_frame(len(one.header) + PIECE)
        assert not sender.flush() and sender.pending and not gone
        if ends_early:
            sender.close()
            assert gone == [PIECE] and not sender.pending
            sender.close()
        else:
            assert receiver.receive() is None and sender.flush() and sender.sent == total
            assert bytes(receiver.receive() or b"") == one.header + content
        assert gone == [PIECE]


def test_a_lane_that_ends_before_it_was_sent_lets_it_go() -> None:
    gone = list[int]()
    sender, _ = links(True)
    sender.lend(sealed_once(b"x" * PIECE, gone))
    sender.close()
    assert gone == [PIECE]
