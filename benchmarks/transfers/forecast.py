"""How long the rest will take. Pure.

What a run takes is guessed from the number of files and bytes. Only the proportions matter: what is
done says how much slower or faster than guessed this machine is.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.transfers.workloads import Direction, Kind, Mode, Workload

EACH: Final = 0.6
PER_FILE: Final = 0.000035
PER_NAME: Final = 0.0003
PER_LOOK: Final = 0.00001
PER_BYTE: Final = 1.0e-9
"""Seconds of a run: in any case, for each file, for each that is asked for by its name, for each
that is only looked at, and for each byte that moves."""
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
    named  the share of the runs in which files are asked for by name
    """

    step: Step
    runs: int
    links: int
    named: float = 0.0

    @property
    def each(self) -> float:
        """Seconds of one run, as guessed."""
        workload = self.step.workload
        if workload.kind is Kind.IDLE:
            return IDLE
        if not workload.fresh:
            return EACH + PER_LOOK * workload.files
        per_file = PER_FILE + self.named * PER_NAME
        return EACH + per_file * workload.files + PER_BYTE * workload.bytes


class Forecast:
    """Follows the runs of groups, which come one after the other."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._before = [PREPARED + PER_LINK * group.links for group in groups]
        self._all = [
            before + group.runs * group.each
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
        here = self._before[self._now] + self._ran * self._groups[self._now].each
        done = sum(self._all[: self._now]) + here
        return spent / done * max(0.0, self.total - done)


def words(seconds: float) -> str:
    """For people."""
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else "less than 2 min left"
