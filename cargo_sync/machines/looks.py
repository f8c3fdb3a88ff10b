"""When a job looks next: pure functions of how its last look ended and what was heard since.

A look is one run, whether it finds something to do or not. Looks come by themselves every `sleep`
seconds, or so seldom that they take a tenth of the time; hints of changes bring them forward,
failures bring them back. Times are seconds of one steady clock.
"""

from dataclasses import dataclass
from typing import Final

from cargo_sync.machines.retry import delay
from cargo_sync.model.problems import Code, Problem

SHARE: Final = 9.0
"""A pause lasts at least so many times as long as the last survey."""
APART: Final = 0.2
"""Hints come in bursts: looks that they bring are at least so far apart."""
FAILED_APART: Final = 1.0
"""As APART, of looks for the sake of single files that failed."""
FULL: Final = 30.0
"""A full disk is looked at again so often."""
AWAY_CEILING: Final = 60.0
HOPELESS_FIRST: Final = 30.0

AWAY: Final = frozenset(
    {Code.UNREACHABLE, Code.UNKNOWN_HOST, Code.TIMEOUT, Code.CUT, Code.BUSY, Code.THROTTLED}
)
"""Codes of problems that end when the server comes back, which is worth noticing soon."""


@dataclass(frozen=True, slots=True)
class LookResult:
    """How a look ended.

    ended     when
    surveyed  seconds that its survey took
    again_in  seconds after which files that were not still yet may be; None when there are none
    due       when the first of the files that failed alone is due again, or None
    retry_at  when a look that ended early is tried again, or None
    full      a full disk holds the job
    held      the guard holds it: only an order begins a look
    """

    ended: float
    surveyed: float = 0.0
    again_in: float | None = None
    due: float | None = None
    retry_at: float | None = None
    full: bool = False
    held: bool = False


def next_look(
    last: LookResult | None, sleep: float, settle: float, hinted: float | None
) -> float | None:
    """When to look again; None when only an order begins a look. A time that has passed means now.

    Args:
        last: the last look, None before the first one and after a pause.
        sleep: the job's seconds between looks.
        settle: seconds for which what a hint tells of must be still before a look can take it.
        hinted: when the first hint came since the last look began; None when none came.
    """
    if last is None:
        return 0.0
    if last.held:
        return None
    if last.full:
        return last.ended + FULL
    if last.retry_at is not None:
        return (
            last.retry_at
        )  # hints do not hurry: what is out of reach is not nearer because a file changed
    times = [last.ended + max(sleep, SHARE * last.surveyed)]
    if hinted is not None:
        times.append(max(hinted + settle, last.ended + max(APART, last.surveyed)))
    if last.again_in is not None:
        times.append(last.ended + max(last.again_in, last.surveyed))
    if last.due is not None:
        times.append(max(last.due, last.ended + max(FAILED_APART, last.surveyed)))
    return min(times)


def retry_after(problem: Problem, tries: int, chance: float) -> float:
    """Seconds until a look that `problem` ended is tried again, after `tries` such ends in a row.

    Up to a minute while the server is away, else up to five; what somebody must put right first (a
    wrong password, a refused certificate) begins at half a minute. `chance` is in [0, 1).
    """
    if problem.code in AWAY:
        return delay(tries, chance, ceiling=AWAY_CEILING)
    if not problem.retry:
        return delay(tries, chance, first=HOPELESS_FIRST)
    return delay(tries, chance)
