"""When one run of a job, without a daemon, is over, and with which result: a pure function.

A look that ends may have left files for a moment: they were still being written, or failed for a
reason that passes. Then there are one or two more looks, as a daemon would have them. A look that
was cut, for example by the network, goes on as long as each try gets somewhere.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from cargo_sync.machines.job_state import JobState
from cargo_sync.machines.looks import AWAY, FOLDER_AWAY
from cargo_sync.model.problems import FENCES, Code

MOST_LOOKS: Final = 3
SOON: Final = 10.0
"""Seconds: what is tried again later than that is left to the next run."""


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
    """

    state: JobState
    code: str = ""
    advanced: bool = False
    again_in: float | None = None


IDLE: Final = frozenset({JobState.DISABLED, JobState.PAUSED, JobState.WAITING})
"""States in which a job does not run."""


def verdict(end: LookEnd, looks: int) -> RunVerdict | None:
    """The result after so many looks that did not fail as a whole; None if there is another one."""
    if end.state in IDLE:
        return RunVerdict.UNFINISHED
    if end.code:
        return None if end.advanced else _of_problem(end.code)
    if end.again_in is not None and end.again_in <= SOON and looks < MOST_LOOKS:
        return None
    if end.state is JobState.HELD:
        return RunVerdict.HELD
    return RunVerdict.FAILED if end.state is JobState.ERROR else RunVerdict.SYNCED


def _of_problem(code: str) -> RunVerdict:
    if code in FENCES or code == Code.DISK_FULL:
        return RunVerdict.HELD
    if code in (AWAY | FOLDER_AWAY):
        return RunVerdict.AWAY
    return RunVerdict.UNFINISHED if code == Code.ROOT_IN_USE else RunVerdict.FAILED
