"""When one run is over: a table."""

import pytest

from cargo_sync.machines.job_state import JobState
from cargo_sync.machines.one_run import LookEnd, RunVerdict, verdict

SYNCED, ERROR, HELD, SYNCING = JobState.SYNCED, JobState.ERROR, JobState.HELD, JobState.SYNCING


@pytest.mark.parametrize(
    ("end", "looks", "result"),
    [
        (LookEnd(SYNCED), 1, RunVerdict.SYNCED),
        (LookEnd(ERROR), 1, RunVerdict.FAILED),
        (LookEnd(HELD), 1, RunVerdict.HELD),
        # Files that were left for a moment: two more looks, then the next run has them.
        (LookEnd(SYNCING, again_in=2.0), 1, None),
        (LookEnd(SYNCING, again_in=2.0), 2, None),
        (LookEnd(SYNCING, again_in=2.0), 3, RunVerdict.SYNCED),
        (LookEnd(HELD, again_in=2.0), 2, None),
        (LookEnd(HELD, again_in=2.0), 3, RunVerdict.HELD),
        (LookEnd(ERROR, again_in=1.0), 1, None),
        (LookEnd(ERROR, again_in=60.0), 1, RunVerdict.FAILED),
        (LookEnd(SYNCING, again_in=60.0), 1, RunVerdict.SYNCED),
        # The job as a whole.
        (LookEnd(ERROR, "unreachable"), 0, RunVerdict.AWAY),
        (LookEnd(ERROR, "unreachable", advanced=True), 0, None),
        (LookEnd(ERROR, "root_gone"), 0, RunVerdict.AWAY),
        (LookEnd(ERROR, "bad_login"), 0, RunVerdict.FAILED),
        (LookEnd(ERROR, "bad_login", again_in=1.0), 0, RunVerdict.FAILED),
        (LookEnd(HELD, "disk_full"), 0, RunVerdict.HELD),
        (LookEnd(HELD, "server_restored"), 0, RunVerdict.HELD),
        (LookEnd(ERROR, "root_in_use"), 0, RunVerdict.UNFINISHED),
        # A server that may come back, or another one in its place.
        (LookEnd(ERROR, "unreachable", reached=True), 0, None),
        (LookEnd(ERROR, "cut", reached=True, waited=29.0), 1, None),
        (LookEnd(ERROR, "unreachable", reached=True, waited=30.0), 0, RunVerdict.AWAY),
        (LookEnd(ERROR, "elsewhere"), 0, None),
        (LookEnd(ERROR, "elsewhere", waited=30.0), 0, RunVerdict.AWAY),
        (LookEnd(ERROR, "database_away", waited=1.0), 0, None),
        (LookEnd(ERROR, "bad_login", reached=True), 0, RunVerdict.FAILED),
        (LookEnd(ERROR, "root_gone", reached=True), 0, RunVerdict.AWAY),
        # It does not run.
        (LookEnd(JobState.PAUSED), 0, RunVerdict.UNFINISHED),
        (LookEnd(JobState.DISABLED), 0, RunVerdict.UNFINISHED),
        (LookEnd(JobState.WAITING, again_in=1.0), 1, RunVerdict.UNFINISHED),
    ],
)
def test_verdict(end: LookEnd, looks: int, result: RunVerdict | None) -> None:
    assert verdict(end, looks) is result
