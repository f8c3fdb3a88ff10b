"""What state a job is in: one pure function of what is true.

The order is the answer: a job that is disabled and paused is disabled, one that has failed items
while it is syncing is syncing. `synced` is said only when nothing failed and nothing waits.
"""

from enum import StrEnum
from typing import NamedTuple


class JobState(StrEnum):
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
    """What is true of a job now.

    held     why its run is held, or ""
    looked   at least one run has come to its end since the daemon started
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
    # In this order; asked for every job at every status, so that nothing is made on the way.
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
    """The one word for a whole daemon: what most needs a person's eye."""
    return next((state for state in GENERAL_ORDER if state in states), JobState.SYNCED)
