"""What state a job is in: a pure function of facts.

The order of the checks decides: a job that is disabled and paused is disabled; a job that has
failed items while it is syncing is syncing. A job is `synced` only when nothing failed and nothing
waits.
"""

from enum import StrEnum
from typing import NamedTuple


class JobState(StrEnum):
    """The state of a job, as the status shows it."""

    DISABLED = "disabled"
    PAUSED = "paused"
    HELD = "held"
    WAITING = "waiting"
    """Outside the job's window."""
    SYNCING = "syncing"
    ERROR = "error"
    STARTING = "starting"
    SYNCED = "synced"


class Facts(NamedTuple):
    """The facts that decide a job's state.

    held     why its run is held, or ""
    looked   at least one run has ended since the daemon started
    """

    enabled: bool = True
    paused: bool = False
    held: str = ""
    in_window: bool = True
    running: bool = False
    errors: int = 0
    looked: bool = False


def job_state(facts: Facts) -> JobState:
    """The state that `facts` mean."""
    # Each status asks this for every job, so no objects are made here.
    if not facts.enabled:
        return JobState.DISABLED
    if facts.paused:
        return JobState.PAUSED
    if facts.held:
        return JobState.HELD
    if not facts.in_window:
        return JobState.WAITING
    if facts.running:
        return JobState.SYNCING
    if facts.errors > 0:
        return JobState.ERROR
    return JobState.SYNCED if facts.looked else JobState.STARTING


GENERAL_ORDER = (
    JobState.ERROR,
    JobState.HELD,
    JobState.SYNCING,
    JobState.STARTING,
    JobState.WAITING,
    JobState.PAUSED,
    JobState.SYNCED,
    JobState.DISABLED,
)


def general_state(states: list[JobState]) -> JobState:
    """The state of a whole daemon: the state of a job that most needs a person's attention."""
    return next((state for state in GENERAL_ORDER if state in states), JobState.SYNCED)
