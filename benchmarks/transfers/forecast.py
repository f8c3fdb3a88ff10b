"""How long the rest will take. Pure.

What a run takes is guessed from the number of files and bytes. Only the proportions matter: what is
done says how much slower or faster than guessed this machine is.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.transfers.workloads import Direction, Kind, Mode, Workload

EACH: Final = 0.7
PER_FILE: Final = 0.00010
PER_NAME: Final = 0.00018
PER_BYTE: Final = 1.2e-9
"""Seconds of a run: in any case, for each file, also for each if some tools ask for it by its name,
and for each byte."""
IDLE: Final = 75.0
PREPARED: Final = 3.0
PER_LINK: Final = 0.00001
"""Seconds before the first run: in any case, and for each link to a file."""


class Step(NamedTuple):
    """What all tools do in some rounds."""

    workload: Workload
    mode: Mode
    direction: Direction


class Group(NamedTuple):
    """The runs of a step.

    runs   how many
    links  how many links to files are made before the first one
    """

    step: Step
    runs: int
    links: int


class Forecast:
    """Follows the runs of groups, which come one after the other."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._before = [PREPARED + PER_LINK * group.links for group in groups]
        self._all = [
            before + group.runs * guessed(group.step.workload)
            for before, group in zip(self._before, groups, strict=True)
        ]
        self._now = -1
        self._ran = 0

    @property
    def total(self) -> float:
        """What everything takes, as guessed, in seconds."""
        return sum(self._all)

    def ran(self, step: Step) -> None:
        """A run has ended. What is missing of earlier groups is left out."""
        if self._now < 0 or self._groups[self._now].step != step:
            self._now = [group.step for group in self._groups].index(step)
            self._ran = 0
        self._ran += 1

    def left(self, spent: float) -> float:
        """Seconds that the rest will take, if all until now took `spent`."""
        if self._now < 0:
            return self.total
        one = guessed(self._groups[self._now].step.workload)
        done = sum(self._all[: self._now]) + self._before[self._now] + self._ran * one
        return spent / done * max(0.0, self.total - done)


def guessed(workload: Workload) -> float:
    """Seconds of one run."""
    if workload.kind is Kind.IDLE:
        return IDLE
    each = PER_FILE + PER_NAME * workload.by_name
    return EACH + each * workload.files + PER_BYTE * workload.bytes


def words(seconds: float) -> str:
    """For people."""
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else "less than 2 min left"
