"""What changes while a job runs: its window opens or closes, and the speed that it may have."""

import logging
from collections.abc import Callable
from typing import Final

from cargo_sync.admission.bandwidth import Share
from cargo_sync.daemon.job.schedule import Schedule
from cargo_sync.model.problems import ProblemError
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.trees.contract import FarTree

AGAIN: Final = 5.0
"""Seconds after which a speed that could not be sent is sent again."""

_log = logging.getLogger(__name__)


async def follow_hours(hours: Schedule, share: Share, turned: Callable[[bool], None]) -> None:
    """Calls `turned` when the window opens (True) or closes (False), until cancelled.

    It also refreshes the share, because another row of the timetable may hold now.
    """
    tick, was_open = Wakeup(), hours.open
    while True:
        await tick.wait(hours.patience())
        share.refresh()
        if hours.open != was_open:
            was_open = not was_open
            turned(was_open)


async def follow_speed(share: Share, far: FarTree, job: str) -> None:
    """Sends the far side each new speed that it may have, until cancelled."""
    again: float | None = None
    while True:
        await share.changed.wait(again)
        again = None
        if not share.moves:
            continue
        try:
            await far.set_speed(share.rate)
        except ProblemError as error:
            _log.warning("the speed cannot be changed now: %s", error, extra={"job": job})
            again = AGAIN
        except Exception as error:
            # Transfers continue at the old speed; a bug here must not end the job.
            _log.error("changing the speed failed", exc_info=error, extra={"job": job})
