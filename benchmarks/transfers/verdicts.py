"""What the runs of all rounds mean: medians, rates, and the ratio of a peer's time to ours.

Pure. The verdict is the median of the ratios within each round, not the ratio of two medians.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.transfers.metering import Took
from benchmarks.transfers.workloads import Direction, Mode, Workload


@dataclass(frozen=True, slots=True)
class Row:
    """What one tool did in all rounds: medians.

    runs         how many rounds
    cpu_seconds  of both ends, until the end of the run
    rss_mb       peak memory of both ends together, in 1,000,000 bytes
    ours_is      how many times our time the tool needed: 1.5 means that ours takes 1/1.5 of its
                 time; None without ours beside it
    over         what carried the bytes
    fastest, slowest  seconds of a run
    far_cpu_seconds, far_rss_mb  of the server alone; 0 if it ends with the client
    cpu_later    of both ends, from the end of the run until they were idle
    status_p99_ms  99 of 100 commands sent meanwhile were answered within so many milliseconds;
                 None if none were sent
    """

    workload: str
    mode: str
    direction: str
    tool: str
    runs: int
    seconds: float
    cpu_seconds: float = 0.0
    mb_per_s: float = 0.0
    files_per_s: float = 0.0
    rss_mb: float = 0.0
    ours_is: float | None = None
    over: str = ""
    fastest: float = 0.0
    slowest: float = 0.0
    far_cpu_seconds: float = 0.0
    far_rss_mb: float = 0.0
    cpu_later: float = 0.0
    status_p99_ms: float | None = None


def row(
    workload: Workload,
    mode: Mode,
    direction: Direction,
    tool: tuple[str, str],
    runs: Sequence[Took],
    ours: Sequence[Took],
) -> Row:
    """The row of a tool.

    Args:
        workload: what was moved.
        mode: how Cargo ran.
        direction: where the files went.
        tool: its name, and what carried the bytes.
        runs: one for each round.
        ours: those of the same rounds; none if ours was not measured.
    """
    seconds = median(run.seconds for run in runs)
    return Row(
        workload=workload.name,
        mode=mode,
        direction=direction,
        tool=tool[0],
        over=tool[1],
        runs=len(runs),
        seconds=round(seconds, 4),
        fastest=round(min(run.seconds for run in runs), 4),
        slowest=round(max(run.seconds for run in runs), 4),
        cpu_seconds=round(median(run.cpu for run in runs), 3),
        far_cpu_seconds=round(median(run.cpu_far for run in runs), 3),
        cpu_later=round(median(run.cpu_later for run in runs), 3),
        mb_per_s=round(workload.bytes / seconds / 1e6, 1),
        files_per_s=round(workload.files / seconds, 1),
        rss_mb=round(median(run.memory for run in runs) / 1e6, 1),
        far_rss_mb=round(median(run.memory_far for run in runs) / 1e6, 1),
        ours_is=ratio(runs, ours),
        status_p99_ms=p99([seconds for run in runs for seconds in run.answered]),
    )


def ratio(runs: Sequence[Took], ours: Sequence[Took]) -> float | None:
    """The median over the rounds of a peer's time divided by ours; None without ours."""
    if not ours:
        return None
    pairs = zip(runs, ours, strict=True)
    return round(median(theirs.seconds / mine.seconds for theirs, mine in pairs), 3)


def p99(seconds: Sequence[float]) -> float | None:
    """The 99th percentile in milliseconds; None of nothing."""
    return round(1000 * sorted(seconds)[len(seconds) * 99 // 100], 2) if seconds else None


def rows(
    workload: Workload,
    mode: Mode,
    direction: Direction,
    taken: Mapping[tuple[str, str], Sequence[Took]],
    ours: str,
) -> list[Row]:
    """The rows of all tools that did the same; `taken` by name and carrier."""
    mine = next((runs for (name, _), runs in taken.items() if name == ours), ())
    return [row(workload, mode, direction, tool, runs, mine) for tool, runs in taken.items()]
