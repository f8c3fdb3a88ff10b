"""What the runs over a link mean: the rate at which content arrived. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.transfers.link.links import Link
from benchmarks.transfers.link.tools import TOOLS
from benchmarks.transfers.verdicts import Row
from benchmarks.transfers.workloads import Direction, Mode


def link_rows(
    link: Link,
    direction: Direction,
    seconds: float,
    arrived: Mapping[str, Sequence[int]],
    ours: str,
) -> list[Row]:
    """The rows of all tools that ran over a link.

    Args:
        link: the link.
        direction: where the file went.
        seconds: that each run lasted.
        arrived: bytes of each round, by tool.
        ours: the tool that the others are compared with.
    """
    return [
        Row(
            workload=link.name,
            mode=Mode.SEALED,
            direction=direction,
            tool=tool,
            over=TOOLS[tool].over,
            runs=len(found),
            seconds=seconds,
            fastest=seconds,
            slowest=seconds,
            mb_per_s=round(median(found) / seconds / 1e6, 3),
            ours_is=_ratio(arrived.get(ours, ()), found),
        )
        for tool, found in arrived.items()
    ]


def _ratio(ours: Sequence[int], theirs: Sequence[int]) -> float | None:
    """How many times the bytes of a tool ours has moved: so much longer would the tool take."""
    if not ours:
        return None
    pairs = zip(ours, theirs, strict=True)
    return round(median(mine / max(1, other) for mine, other in pairs), 3)
