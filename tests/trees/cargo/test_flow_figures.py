"""A flow's figures: what moved, was lost and took how long, batch by batch; its rate."""

from typing import Any

from cargo_sync.lanes.figures import Figures
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.transfers import Receipt
from cargo_sync.trees.cargo.flow import UNMEASURED, ClientFlow, _Batch, _Committed
from cargo_sync.trees.contract import Brought, Task
from cargo_sync.wire.messages import LinkReport
from tests.engine.world import System


class Machine:
    """A lane's end that has moved so much content."""

    content = 0

    def figures(self) -> Figures:
        return Figures(self.content)


def flow_of(system: System) -> ClientFlow:
    nothing: Any = None
    return ClientFlow(nothing, system.world(), nothing, 80_000)


def committed(
    flow: ClientFlow, at: float, lost: int | None, had: int = 0, since: float = 0.0
) -> Brought:
    """What became of a batch with one file of 10 bytes."""
    task = Task(Action(Op.PUT, "a", Entry("a", FILE, 10)), "id")
    flow._open[0] = _Batch([task], since)
    report, before = LinkReport(lost, 1.5), {"id": had} if had else {}
    brought = flow._brought(_Committed(0, [Receipt("done")], at, report, before))
    assert (brought.done, brought.moved.rtt_ms) == ([task], 1.5)
    return brought


def test_lost_frames_are_those_since_the_batch_before(tmp_path: Any) -> None:
    cases: list[tuple[list[int | None], list[int | None]]] = [
        ([3, 7, 7], [3, 4, 0]),
        ([None, None], [None, None]),
        ([7, 5], [7, 0]),  # some turned out not to be lost
    ]
    system = System(tmp_path)
    for reports, expected in cases:
        flow = flow_of(system)
        assert [committed(flow, 1.0, lost).moved.lost for lost in reports] == expected


def test_a_file_takes_no_longer_than_since_the_one_before(tmp_path: Any) -> None:
    flow = flow_of(System(tmp_path))
    taken = [
        committed(flow, at, 0, since=since).moved.seconds
        for at, since in ((4.0, 1.0), (6.0, 1.0), (9.0, 8.5))
    ]
    assert taken == [3.0, 2.0, 0.5], "while others moved, it waited"


def test_what_was_there_before_is_not_moved(tmp_path: Any) -> None:
    flow = flow_of(System(tmp_path))
    assert [committed(flow, 1.0, 0, had).had for had in (0, 7)] == [{}, {"id": 7}]


def test_the_rate_is_the_lower_one_of_granted_and_measured(tmp_path: Any) -> None:
    system = System(tmp_path)
    flow = flow_of(system)
    assert flow.rate() == 10_000, "what it asks for"
    machine: Any = Machine()
    flow._machine, flow.granted = machine, None
    assert flow.rate() == UNMEASURED
    flow._open[0] = _Batch([], 0.0)
    for seconds, content, rate in ((1, 0, UNMEASURED), (1, 500, 500), (1, 2_500, 1_250)):
        system.now += seconds
        machine.content = content
        assert flow.rate() == rate
    flow.granted = 4_000
    assert flow.rate() == 500
    flow.granted = None
    flow._open.clear()
    assert flow.rate() == UNMEASURED, "nothing moves: what is measured then says nothing"
