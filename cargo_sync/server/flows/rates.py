"""How fast flows moved lately, each direction: in memory, from a sample every few seconds."""

from collections.abc import Callable
from typing import Final

from cargo_sync.api.messages import JsonObject
from cargo_sync.machines.rate_history import RateHistory, RateSpan
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup

TICK: Final = 5.0
"""Seconds between two samples."""


class FlowRates:
    """The rates of all flows together.

    moved  gives how many bytes of files flows of a direction have moved since the start
    """

    def __init__(self, moved: Callable[[Mode], int], world: World) -> None:
        self._moved = moved
        self._world = world
        self._begun = self._at = world.steady()
        self._counted = {mode: moved(mode) for mode in DIRECTIONS}
        self._history = {mode: RateHistory() for mode in DIRECTIONS}

    async def run(self) -> None:
        """Samples until cancelled."""
        while True:
            await Wakeup().wait(TICK)
            self.tick()

    def tick(self) -> None:
        """Counts what was moved since the last time."""
        now, since = self._world.steady(), self._at
        self._at = now
        for mode in DIRECTIONS:
            moved = self._moved(mode)
            more, self._counted[mode] = moved - self._counted[mode], moved
            if more > 0:
                self._history[mode].add(since, now, more, 0)

    def shown(self, span: RateSpan) -> JsonObject:
        """The reply to `flow.rates`, without the span."""
        now = self._world.steady()
        up, down = (
            self._history[mode].samples(span, now, self._begun)
            for mode in (Mode.UPLOAD, Mode.DOWNLOAD)
        )
        return {
            "step_s": up.step,
            "first": self._world.wall() - (now - up.first),
            "upload_bps": [None if rate is None else round(rate) for rate in up.bits],
            "download_bps": [None if rate is None else round(rate) for rate in down.bits],
        }
