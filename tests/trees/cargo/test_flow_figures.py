"""A flow's figures per batch: only the frames that were lost during the batch."""

from typing import Any

from cargo_sync.lanes.figures import Figures
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.transfers import Receipt
from cargo_sync.trees.cargo.flow import ClientFlow, _Batch, _Committed
from cargo_sync.trees.contract import Task
from tests.engine.world import System


class Machine:
    """A lane's end that has lost so many frames until now."""

    def __init__(self, lost: int | None) -> None:
        self.lost = lost

    def figures(self) -> Figures:
        return Figures(lost=self.lost, rtt_ms=1.5)


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
