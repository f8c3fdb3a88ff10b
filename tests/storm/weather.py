"""What happens to nodes and to the server, at random from a seed.

An event begins after some more transfers, and ends by itself after some seconds: so below the
quorum, where no transfer gets on, it is over some time.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from tests.storm.clients import MIB, Turns
from tests.storm.coast import Coast
from tests.storm.tally import Tally

TICK: Final = 0.1
MIDDLE: Final = 5.0
"""Seconds for which a kill of the server waits until an upload is under way."""


class Climate(NamedTuple):
    """How bad it gets.

    every   transfers between two events
    away    seconds after which a node that was killed or filled is brought back, at most
    still   seconds for which a node is stopped
    few     nodes in trouble at a time, but for one event in eight, which may make it one more
    """

    every: int = 6
    away: float = 15.0
    still: float = 60.0
    few: int = 2


KINDS: Final[Mapping[str, int]] = {
    "a node is killed": 4,
    "a node is stopped": 2,
    "a node is filled up": 2,
    "the server is killed": 1,
}
"""Each kind, and how often it happens among all."""


class _Trouble(NamedTuple):
    until: float
    end: Callable[[], None]


class Weather:
    """The events. All of them are made by one thread."""

    def __init__(
        self,
        coast: Coast,
        tally: Tally,
        seed: str,
        climate: Climate,
        under_way: Callable[[], int],
        cut: Callable[[], None],
    ) -> None:
        """Prepares them.

        Args:
            coast: the programs.
            tally: counts the events.
            seed: decides them, with the order in which transfers end.
            climate: how bad it gets.
            under_way: bytes of uploads that are under way.
            cut: is called when the server was killed.
        """
        self._coast = coast
        self._tally = tally
        self._chance = random.Random(f"{seed}/weather")
        self._climate = climate
        self._under_way = under_way
        self._cut = cut
        self._troubles: dict[str, _Trouble] = {}
        self._kinds = list[str]()

    def run(self, turns: Turns, is_over: Callable[[], bool]) -> None:
        """Until it is over; then all nodes are brought back."""
        after = self._climate.every // 2
        while not is_over():
            self._end(time.monotonic())
            if turns.done >= after:
                after = turns.done + self._chance.randint(1, 2 * self._climate.every)
                self._begin()
            time.sleep(TICK)
        self._end(float("inf"))

    # -- within ------------------------------------------------------------------------------------

    def _end(self, now: float) -> None:
        for name, trouble in list(self._troubles.items()):
            if trouble.until <= now:
                trouble.end()
                del self._troubles[name]

    def _begin(self) -> None:
        kind = self._next()
        if kind == "the server is killed":
            self._kill_the_server()
            self._tally.happened(kind)
            return
        most = self._climate.few + (self._chance.random() < 1 / 8)
        well = [name for name in self._coast.names if name not in self._troubles]
        if len(self._troubles) >= most or not well:
            self._kinds.insert(0, kind)  # it comes later
            return
        name = self._chance.choice(well)
        seconds = self._chance.uniform(0.1, self._climate.away)
        if kind == "a node is stopped":
            seconds = self._climate.still
            os.kill(self._coast.pid(name), signal.SIGSTOP)
            end = lambda: os.kill(self._coast.pid(name), signal.SIGCONT)  # noqa: E731
        elif kind == "a node is killed":
            self._coast.kill(name)
            end = lambda: self._coast.start_node(name)  # noqa: E731
        else:
            self._coast.kill(name)
            self._coast.fill(name, self._chance.randrange(4 * MIB))
            self._coast.start_node(name)
            end = lambda: self._empty(name)  # noqa: E731
        self._troubles[name] = _Trouble(time.monotonic() + seconds, end)
        self._tally.happened(kind)

    def _next(self) -> str:
        """The next kind: first each of them once."""
        if not self._kinds:
            is_first = not self._tally.events
            self._kinds = [
                kind for kind, often in KINDS.items() for _ in range(1 if is_first else often)
            ]
            self._chance.shuffle(self._kinds)
        return self._kinds.pop(0)

    def _empty(self, name: str) -> None:
        self._coast.kill(name)
        self._coast.make_room(name)
        self._coast.start_node(name)

    def _kill_the_server(self) -> None:
        """In the middle of an upload."""
        until = time.monotonic() + MIDDLE
        while not self._under_way() and time.monotonic() < until:
            time.sleep(0.01)
        self._coast.kill("server")
        self._cut()
        time.sleep(self._chance.uniform(0.0, min(3.0, self._climate.away)))
        self._coast.start_server()
