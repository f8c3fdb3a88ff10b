"""A cut transfer continues after its durable parts, but only for the same file."""

import pytest

from cargo_sync.lanes import receiver
from cargo_sync.testing.channel import CUT
from cargo_sync.testing.disk import MemoryFile
from tests.lanes.flows import Flow, files, pattern

MIB = 1 << 20
CONTENT = pattern(3 * MIB)
each_way = pytest.mark.parametrize("upload", [True, False], ids=["upload", "download"])


def cut_at(number: int) -> "object":
    return lambda n, frame: [frame[: len(frame) // 2], CUT] if n == number else [frame]


def cut_flow(upload: bool, sealed: bool) -> Flow:
    """3 MiB, cut in the middle of the second piece."""
    way = {"tamper_up": cut_at(3)} if upload else {"tamper_down": cut_at(1)}
    flow = Flow(upload, files(big=CONTENT), sealed=sealed, **way)  # type: ignore[arg-type]
    flow.batch(0, flow.offers())
    if upload:
        flow.run()
    flow.client.finish()
    flow.run()
    assert "cut" in flow.problems()
    assert flow.published() == {}
    return flow


@each_way
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
def test_three_mebibytes_cut_in_the_middle_go_on_from_ranges(upload: bool, sealed: bool) -> None:
    flow = cut_flow(upload, sealed)
    came = flow.receiver.figures().content
    assert 0 < came < 3 * MIB
    again = Flow(upload, flow.source, flow.disk, sealed=sealed)
    again.batch(0, again.offers())
    again.client.finish()
    again.run()
    assert again.problems() == ["", ""]
    assert again.sender.figures().content == 3 * MIB - came
    transfer = flow.offers()[0].transfer
    assert (flow.client.resumed(), again.client.resumed()) == ({}, {transfer: came})
    assert again.published() == {"big": CONTENT}
    assert flow.disk.durable == {}


@each_way
def test_another_version_begins_anew(upload: bool) -> None:
    flow = cut_flow(upload, sealed=True)
    flow.source.files["big"] = MemoryFile(CONTENT[::-1], version=2)
    again = Flow(upload, flow.source, flow.disk)
    again.batch(0, again.offers())
    again.client.finish()
    again.run()
    assert again.sender.figures().content == 3 * MIB
    assert again.published() == {"big": CONTENT[::-1]}


@each_way
def test_a_file_of_which_all_is_durable_is_only_confirmed(upload: bool) -> None:
    source = files(big=CONTENT)
    flow = Flow(upload, source)
    offer = flow.offers()[0]
    flow.disk.durable[(offer.transfer, offer.version, offer.size)] = (CONTENT, ())
    flow.batch(0, [offer])
    flow.client.finish()
    flow.run()
    assert flow.sender.figures().content == 0
    assert flow.published() == {"big": CONTENT}


@each_way
def test_several_ranges_are_filled(upload: bool) -> None:
    source = files(big=CONTENT)
    flow = Flow(upload, source)
    offer = flow.offers()[0]
    holes = ((0, 5), (MIB - 1, MIB + 1), (2 * MIB, 3 * MIB))
    staged = bytearray(CONTENT)
    for start, end in holes:
        staged[start:end] = bytes(end - start)
    flow.disk.durable[(offer.transfer, offer.version, offer.size)] = (bytes(staged), holes)
    flow.batch(0, [offer])
    flow.client.finish()
    flow.run()
    assert flow.problems() == ["", ""]
    assert flow.sender.figures().content == MIB + 7
    assert flow.published() == {"big": CONTENT}


@each_way
def test_checkpoints_come_by_bytes_and_by_time(
    upload: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "CHECKPOINT_BYTES", 2 * MIB)
    flow = Flow(upload, files(big=pattern(6 * MIB)), capacity=1 << 20)
    flow.batch(0, flow.offers())
    while flow.receiver.figures().content < 5 * MIB:
        flow.client.step()
        flow.server.step()
    assert flow.sink.checkpoints == 2
    flow.clock.now += 5
    assert flow.receiver.due() <= flow.clock.now
    flow.receiver.step()
    assert flow.sink.checkpoints == 3
    flow.client.finish()
    flow.run()
    assert flow.published() == {"big": pattern(6 * MIB)}
