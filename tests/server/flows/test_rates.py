"""How fast flows moved lately, as the page asks for it."""

from typing import Any

from cargo_sync.machines.rate_history import DAY, TEN_MINUTES
from cargo_sync.model.jobs import Mode
from cargo_sync.model.world import World
from cargo_sync.server.flows.rates import TICK, FlowRates
from tests.offloads import inline


def test_each_direction_has_its_rates_from_what_was_moved_in_between() -> None:
    clock, moved = [10_000.0], {Mode.UPLOAD: 7_000, Mode.DOWNLOAD: 0}
    world = World(
        lambda: 1_000_000 + clock[0], lambda: clock[0], lambda: 0.5, lambda: "t", inline,
        lambda: clock[0],
    )  # fmt: skip
    rates = FlowRates(lambda mode: moved[mode], world)
    for _ in range(4):
        clock[0] += TICK
        moved[Mode.UPLOAD] += 500_000
        rates.tick()
    clock[0] += TICK
    moved[Mode.DOWNLOAD] += 1_000
    rates.tick()
    shown: Any = rates.shown(TEN_MINUTES)
    assert shown["step_s"] == 5
    assert shown["upload_bps"][-6:] == [800_000] * 4 + [0, 0]
    assert shown["download_bps"][-6:] == [0, 0, 0, 0, 1_600, 0]
    assert shown["upload_bps"][:-6] == [None] * (TEN_MINUTES.steps - 6), "nobody counted"
    assert shown["first"] == 1_000_000 + clock[0] - (TEN_MINUTES.steps - 1) * 5
    day: Any = rates.shown(DAY)
    assert len(day["upload_bps"]) == DAY.steps
    assert sum(rate or 0 for rate in day["upload_bps"]) > 0
