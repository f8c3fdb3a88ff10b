"""Faults in each frame of a flow: changed, cut off, left out, repeated, swapped.

Nothing wrong is published, nothing is accepted twice, and at least one end notices it.
"""

from collections.abc import Callable, Iterable

import pytest

from cargo_sync.testing.channel import CUT
from cargo_sync.testing.disk import MemoryDisk
from tests.lanes.flows import Flow, SmallFrames, files, pattern

SOURCE = {"a": b"first", "b": pattern(9_000, 2), "c": b"", "d": pattern(50_000, 3), "e": b"last"}


class Fault:
    """Makes one fault in frame number `at` of a direction."""

    def __init__(self, name: str, at: int) -> None:
        self.name = name
        self.at = at
        self.met = False
        self._held = b""

    def __call__(self, number: int, frame: bytes) -> Iterable[bytes]:
        if self._held:
            held, self._held = self._held, b""
            return [frame, held]
        if number != self.at:
            return [frame]
        self.met = True
        if self.name == "swap":
            self._held = frame
            return []
        return _WAYS[self.name](frame)


def _flipped(frame: bytes, at: int) -> bytes:
    return frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]


_WAYS: dict[str, Callable[[bytes], list[bytes]]] = {
    "flip header": lambda frame: [_flipped(frame, 8)],
    "flip body": lambda frame: [_flipped(frame, len(frame) // 2)],
    "flip trailer": lambda frame: [_flipped(frame, len(frame) - 1)],
    "cut before": lambda _: [CUT],
    "cut within": lambda frame: [frame[: len(frame) // 2], CUT],
    "leave out": lambda _: [],
    "repeat": lambda frame: [frame, frame],
    "shorten": lambda frame: [frame[:-1]],
    "noise": lambda frame: [b"noise" * 8, frame],
}


@pytest.mark.parametrize("upload", [True, False], ids=["upload", "download"])
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
@pytest.mark.parametrize("fault", [*_WAYS, "swap"])
def test_nothing_wrong_is_ever_published(upload: bool, sealed: bool, fault: str) -> None:
    for direction in ("tamper_up", "tamper_down"):
        at = 0
        while _one(upload, sealed, direction, Fault(fault, at)):
            at += 1
        assert at >= 2


def _one(upload: bool, sealed: bool, direction: str, fault: Fault) -> bool:
    """Runs a flow with one fault; False when it has fewer frames than that."""
    source, disk = files(**SOURCE), MemoryDisk()
    flow = Flow(upload, source, disk, sealed=sealed, pace=SmallFrames(), **{direction: fault})  # type: ignore[arg-type]
    flow.batch(0, flow.offers("a", "b"))
    flow.batch(1, flow.offers("c", "d", "e"))
    flow.client.finish()
    flow.run()
    for _ in range(2):  # a lost frame is noticed when time passes
        flow.clock.now += 700
        flow.run()
    assert flow.client.done and flow.server.done
    assert flow.sink.closed and source.open_readers == 0
    for path, content in flow.published().items():
        assert content == SOURCE[path]
    for batch, receipts in flow.told["sender"].items():
        assert receipts == flow.told["receiver"][batch]
    if not fault.met:
        assert flow.problems() == ["", ""]
        assert flow.published() == SOURCE
        return False
    # After BYE of both ends nothing can be lost; before it a fault is always noticed.
    if flow.published() != SOURCE or len(flow.told["sender"]) < 2:
        assert {"protocol", "cut"} & set(flow.problems())
    assert set(flow.problems()) <= {"", "protocol", "cut"}
    again = Flow(upload, source, disk, sealed=sealed)
    again.batch(0, again.offers())
    again.client.finish()
    again.run()
    assert again.problems() == ["", ""]
    assert again.published() == SOURCE
    return True
