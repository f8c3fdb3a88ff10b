"""When one run of a job, without a daemon, is over, and with which result: a pure function.

A look that ends may have left files for a moment: they were still being written, or failed for a
reason that passes. Then there are one or two more looks, as a daemon would have them. A look that
was cut, for example by the network, goes on as long as each try gets somewhere. One that gets
nowhere waits for some seconds: another server may be about to go on.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from cargo_sync.machines.job_state import JobState
from cargo_sync.machines.looks import AWAY, FOLDER_AWAY
from cargo_sync.model.problems import FENCES, Code

MOST_LOOKS: Final = 3
SOON: Final = 10.0
"""Seconds: what is tried again later than that is left to the next run."""
PATIENCE: Final = 30.0
"""Seconds for which a run waits for a server; the try that is due then is the last one."""

_ASKS_TO_WAIT: Final = frozenset(
    {Code.ELSEWHERE, Code.BUSY, Code.STOPPED, Code.DATABASE_AWAY, Code.BELOW_QUORUM}
)
"""Codes by which a server that answers says that it, or another one, goes on soon."""
_LOST: Final = frozenset({Code.UNREACHABLE, Code.TIMEOUT, Code.CUT})
"""Codes of a server that does not answer: it is waited for if it did before."""


class RunVerdict(IntEnum):
    """The result of one run; the number is the exit code of `cargo_sync run`."""

    SYNCED = 0
    FAILED = 1
    HELD = 3
    """A person must decide, or a disk is full."""
    AWAY = 4
    """The server, or a folder, cannot be reached."""
    UNFINISHED = 5
    """It did not run, or not to its end."""


class LookEnd(NamedTuple):
    """What is known when a look has ended.

    code      of the problem of the job as a whole, or ""
    advanced  the look was cut, but got somewhere
    again_in  seconds after which files that were left may be ready; None without such files
    reached   this look, or one before it, has reached both sides
    waited    seconds since looks have begun to fail as a whole, without getting anywhere
    """

    state: JobState
    code: str = ""
    advanced: bool = False
    again_in: float | None = None
    reached: bool = False
    waited: float = 0.0


IDLE: Final = frozenset({JobState.DISABLED, JobState.PAUSED, JobState.WAITING})
"""States in which a job does not run."""


def verdict(end: LookEnd, looks: int) -> RunVerdict | None:
    """The result after so many looks that did not fail as a whole; None if there is another one."""
    if end.state in IDLE:
        return RunVerdict.UNFINISHED
    if end.code:
        return None if end.advanced or waits(end) else _of_problem(end.code)
    if end.again_in is not None and end.again_in <= SOON and looks < MOST_LOOKS:
        return None
    if end.state is JobState.HELD:
        return RunVerdict.HELD
    return RunVerdict.FAILED if end.state is JobState.ERROR else RunVerdict.SYNCED


def waits(end: LookEnd) -> bool:
    """Whether a look that failed as a whole is tried again, because a server may come back."""
    passing = end.code in _ASKS_TO_WAIT or (end.reached and end.code in _LOST)
    return passing and end.waited < PATIENCE


def _of_problem(code: str) -> RunVerdict:
    if code in FENCES or code == Code.DISK_FULL:
        return RunVerdict.HELD
    if code in (AWAY | FOLDER_AWAY):
        return RunVerdict.AWAY
    return RunVerdict.UNFINISHED if code == Code.ROOT_IN_USE else RunVerdict.FAILED
