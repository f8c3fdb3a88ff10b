"""Holes in files: they count as bytes of the file, and cost nothing on the lane."""

import pytest

from cargo_sync.model.transfers import Offer
from cargo_sync.testing.channel import CUT
from cargo_sync.testing.disk import MemoryFile, MemoryReader, MemorySource
from tests.lanes.flows import Flow

KIB = 2**10
CONTENT = b"a" * KIB + bytes(9_000 * KIB) + b"b" * 1_500 * KIB + bytes(1_500 * KIB)
"""Data, a hole, data of more than a frame, and a hole at the end."""
DATA = 1_501 * KIB
EDGES = (0, KIB, 9_001 * KIB, 10_501 * KIB, 12_001 * KIB)


class HoleyReader(MemoryReader):
    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        number = next(index for index, edge in enumerate(EDGES) if edge > offset)
        return min(EDGES[number], until), number % 2 == 0


class HoleySource(MemorySource):
    def open(self, offer: Offer) -> MemoryReader:
        super().open(offer)
        return HoleyReader(self, offer)

    def holes(self, offer: Offer) -> int:
        return len(CONTENT) - DATA


@pytest.mark.parametrize("upload", [True, False])
def test_holes_do_not_travel(upload: bool) -> None:
    flow = Flow(upload, HoleySource({"image": MemoryFile(CONTENT)}))
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.published() == {"image": CONTENT}
    for end in (flow.sender, flow.receiver):
        figures = end.figures()
        assert (figures.content, figures.had) == (DATA, len(CONTENT) - DATA)
        assert DATA < figures.wire < DATA + 8 * KIB


def test_a_file_goes_on_after_a_hole() -> None:
    first = Flow(
        True,
        HoleySource({"image": MemoryFile(CONTENT)}),
        tamper_up=lambda number, frame: [CUT] if number == 3 else [frame],
    )
    offers = first.offers()
    first.batch(0, offers)
    first.run()
    assert first.problems() == ["cut", "cut"]
    second = Flow(True, first.source, first.disk)
    second.batch(0, offers)
    second.client.finish()
    second.run()
    assert second.published() == {"image": CONTENT}
    assert 0 < second.sender.figures().content <= 1_500 * KIB
    [had] = second.client.resumed().values()
    assert had >= 9_001 * KIB, "the hole had arrived"
