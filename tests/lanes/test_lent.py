"""A source may have pieces in memory as records: they are sent as they lie there."""

from collections.abc import Collection

import pytest

from cargo_sync.model.transfers import Offer
from cargo_sync.testing.disk import MemoryFile, MemoryReader, MemorySource
from cargo_sync.wire import records
from cargo_sync.wire.frames import PIECE
from tests.lanes.flows import Flow

CONTENT = b"".join(bytes([number]) * PIECE for number in range(1, 4)) + b"end"
PIECES = range(0, len(CONTENT), PIECE)


class LendingReader(MemoryReader):
    """Lends the pieces at some offsets, and notes which are read."""

    def __init__(self, source: "LendingSource", offer: Offer) -> None:
        super().__init__(source, offer)
        self._lends, self._read = source.lends, source.read_at
        self._lent = memoryview(bytearray())

    def record(self, header: bytes, offset: int, count: int) -> memoryview | None:
        self._end()
        if offset not in self._lends:
            return None
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
    """`read_at` are offsets."""

    def __init__(self, lends: Collection[int]) -> None:
        super().__init__({"large": MemoryFile(CONTENT), "small": MemoryFile(b"small")})
        self.lends = lends
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
