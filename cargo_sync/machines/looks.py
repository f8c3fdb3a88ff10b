"""When a job looks for changes next: it depends on how its last look ended, and on hints since.

A look is one run, whether it finds something to do or not. A job looks every `sleep` seconds, or
less often, so that surveys take at most a tenth of the time. A hint of a change makes the next look
earlier, a failure makes it later. Times are seconds of one steady clock.
"""

from dataclasses import dataclass
from typing import Final

from cargo_sync.machines.retry import HOPELESS_FIRST, delay
from cargo_sync.machines.room import PROBE
from cargo_sync.model.problems import Code, Problem

SHARE: Final = 9.0
"""A pause is at least so many times as long as the last survey."""
APART: Final = 0.2
"""Seconds between two looks because of hints, at least: hints come in bursts."""
FAILED_APART: Final = 1.0
"""Seconds between two looks because of single files that failed, at least."""
AWAY_CEILING: Final = 60.0

FOLDER_AWAY: Final = frozenset(
    {Code.VANISHED, Code.ROOT_GONE, Code.ROOT_REPLACED, Code.MARKER_LOST}
)
"""Codes of problems that end when a folder comes back."""
AWAY: Final = FOLDER_AWAY | {
    Code.UNREACHABLE,
    Code.UNKNOWN_HOST,
    Code.TIMEOUT,
    Code.CUT,
    Code.BUSY,
    Code.THROTTLED,
    Code.ELSEWHERE,
}
"""Codes of problems that end when a folder or the server comes back: the job must go on soon."""


@dataclass(frozen=True, slots=True)
class LookResult:
    """How a look ended.

    ended     when
    surveyed  seconds that its survey took
    whole     it was a survey of all folders
    again_in  seconds after which files that were still changing may be ready; None without such
              files
    due       when the first of the single files that failed is due again, or None
    retry_at  when a look that ended early is tried again, or None
    full      a full disk holds the job: what waits for room is not due before it is tried again
    """

    ended: float
    surveyed: float = 0.0
    whole: bool = True
    again_in: float | None = None
    due: float | None = None
    retry_at: float | None = None
    full: bool = False


def next_look(
    last: LookResult | None,
    sleep: float,
    settle: float,
    hinted: float | None,
    *,
    whole: bool = True,
) -> float | None:
    """When to look again; None when only a command begins a look. A time in the past means now.

    Args:
        last: the last look, None before the first one and after a pause.
        sleep: the job's seconds between looks.
        settle: seconds for which a changed file must be still before a look can take it.
        hinted: when the first hint since the beginning of the last look came; None without hints.
        whole: the next look surveys all folders.
    """
    if last is None:
        return 0.0
    if last.retry_at is not None:
        return last.retry_at  # hints change nothing: a changed file does not bring the server back
    # A survey of all folders says nothing about how long one of a few folders takes.
    surveyed = last.surveyed if whole or not last.whole else 0.0
    times = [last.ended + (PROBE if last.full else max(sleep, SHARE * surveyed))]
    if hinted is not None:
        times.append(max(hinted + settle, last.ended + max(APART, surveyed)))
    if last.again_in is not None:
        times.append(last.ended + max(last.again_in, surveyed))
    if last.due is not None and not last.full:
        times.append(max(last.due, last.ended + max(FAILED_APART, surveyed)))
    return min(times)


def retry_after(problem: Problem, tries: int, chance: float) -> float:
    """Seconds until a look that `problem` ended is tried again, after `tries` such ends in a row.

    Up to one minute while the server is away, else up to five. If a person must correct something
    first (a wrong password, a refused certificate), it begins at half a minute. `chance` is in
    [0, 1).
    """
    if problem.code in AWAY:
        return delay(tries, chance, ceiling=AWAY_CEILING)
    if not problem.retry:
        return delay(tries, chance, first=HOPELESS_FIRST)
    return delay(tries, chance)
