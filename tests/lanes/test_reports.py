"""When a batch's lost frames are counted: once all of its content was acknowledged."""

import pytest

from cargo_sync.lanes.receiver import REPORT_SECONDS
from cargo_sync.model.transfers import Receipt
from cargo_sync.testing.disk import MemorySource
from cargo_sync.wire import records
from cargo_sync.wire.messages import LinkReport
from tests.lanes.flows import Flow, files, pattern

each_way = pytest.mark.parametrize("upload", [True, False], ids=["upload", "download"])


class Line:
    """A connection that loses a frame each time it is asked, and what was known at each receipt."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.lost = 0
        self.known: list[tuple[int, int | None]] = []
        flow.sender.measure = self.measure
        flow.client._on_receipts = self.committed

    def committed(self, batch: int, _: list[Receipt]) -> None:
        self.known.append((batch, self.flow.client.report.lost))

    def measure(self) -> LinkReport:
        self.lost += 1
        return LinkReport(self.lost, 20.5, 19.0)


def two_batches(upload: bool) -> Flow:
    source: MemorySource = files(a=pattern(3 << 20), b=pattern(3 << 20, 2))
    flow = Flow(upload, source, capacity=1 << 23)
    for number, offer in enumerate(flow.offers()):
        flow.batch(number, [offer])
    return flow


@each_way
def test_a_batch_is_measured_after_its_receipt(upload: bool) -> None:
    flow = two_batches(upload)
    line = Line(flow)
    heard: list[int] = []
    take = flow.sender._handlers[records.RECEIPT]

    def receipt(flags: int, index: int, batch: int, offset: int, payload: memoryview) -> None:
        heard.append(line.lost)
        take(flags, index, batch, offset, payload)

    flow.sender._handlers[records.RECEIPT] = receipt
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert [batch for batch, _ in line.known] == [0, 1]
    for (_, known), before in zip(line.known, heard, strict=True):
        assert known is not None and known > before, "measured after the receipt had come"


def test_a_server_that_measures_nothing_is_not_waited_for_for_long() -> None:
    flow = two_batches(upload=False)
    line = Line(flow)
    flow.sender._queue_report = lambda **_: None  # type: ignore[method-assign]
    flow.run()
    assert line.known == []
    assert flow.receiver.due() <= flow.clock.now + REPORT_SECONDS
    flow.clock.now += REPORT_SECONDS
    flow.run()
    assert line.known == [(0, None), (1, None)]


def test_what_is_committed_is_told_although_the_lane_breaks() -> None:
    flow = two_batches(upload=False)
    line = Line(flow)
    flow.sender._queue_report = lambda **_: None  # type: ignore[method-assign]
    flow.run()
    flow.receiver.fail(None)
    assert [batch for batch, _ in line.known] == [0, 1]


@pytest.mark.parametrize(
    ("line", "longest"), [(None, 1 << 20), (2_000_000, 24_576), (1_000, 1024), (10**9, 1 << 20)]
)
def test_frames_of_a_slow_line_are_small(line: int | None, longest: int) -> None:
    flow = Flow(True, files(a=pattern(3 << 20)), capacity=1 << 23)
    flow.sender.line = line
    content: list[int] = []
    take = flow.receiver._handlers[records.DATA]

    def data(flags: int, index: int, batch: int, offset: int, payload: memoryview) -> None:
        content.append(len(payload))
        take(flags, index, batch, offset, payload)

    flow.receiver._handlers[records.DATA] = data
    flow.batch(0, flow.offers())
    flow.client.finish()
    flow.run()
    assert max(content) == longest, "a report waits for no more than a frame"
    assert flow.codes() == ["done"]
