"""A flow's figures: frames that were lost during a batch, and how much moves in a second."""

from typing import Any

from cargo_sync.lanes.figures import Figures
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.transfers import Receipt
from cargo_sync.trees.cargo.flow import UNMEASURED, ClientFlow, _Batch, _Committed
from cargo_sync.trees.contract import Task
from tests.engine.world import System


class Machine:
    """A lane's end that has lost so many frames until now."""

    def __init__(self, lost: int | None) -> None:
        self.lost = lost
        self.content = 0

    def figures(self) -> Figures:
        return Figures(self.content, lost=self.lost, rtt_ms=1.5)


def test_lost_frames_are_those_of_the_batch(tmp_path: Any) -> None:
    world = System(tmp_path).world()
    nothing: Any = None
    task = Task(Action(Op.PUT, "a", Entry("a", FILE, 1)), "id")

    def lost(before: int, now: int | None) -> int | None:
        flow = ClientFlow(nothing, nothing, world, nothing, None)
        machine: Any = Machine(now)
        flow._machine = machine
        flow._open[0] = _Batch([task], 0.0, before)
        [outcome] = flow._outcomes(_Committed(0, [Receipt("done")]))
        assert outcome.rtt_ms == 1.5
        return outcome.lost

    assert [lost(0, 3), lost(3, 7), lost(7, 7), lost(0, None), lost(7, 5)] == [3, 4, 0, None, 0]


def test_the_rate_is_the_lower_one_of_granted_and_measured(tmp_path: Any) -> None:
    system = System(tmp_path)
    nothing: Any = None
    flow = ClientFlow(nothing, nothing, system.world(), nothing, 80_000)
    assert flow.rate() == 10_000, "what it asks for"
    machine: Any = Machine(None)
    flow._machine, flow.granted = machine, None
    assert flow.rate() == UNMEASURED
    flow._open[0] = _Batch([], 0.0, 0)
    for seconds, content, rate in ((1, 0, UNMEASURED), (1, 500, 500), (1, 2_500, 1_250)):
        system.now += seconds
        machine.content = content
        assert flow.rate() == rate
    flow.granted = 4_000
    assert flow.rate() == 500
    flow.granted = None
    flow._open.clear()
    assert flow.rate() == UNMEASURED, "nothing moves: what is measured then says nothing"
