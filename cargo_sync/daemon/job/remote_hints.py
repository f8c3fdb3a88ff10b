"""Hints of changes on the server, which bring a job's next look forward.

A lost hint costs only time.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from cargo_sync.model.problems import ProblemError
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.trees.contract import FarTree

POLL: Final = 50.0
"""Seconds that one long poll takes at most."""
SOONEST: Final = 1.0
"""Seconds to wait if a server answers a long poll at once although nothing changed."""


async def hear_far(
    far: FarTree,
    seen: Wakeup,
    cursor: Callable[[], Awaitable[int]],
    hint: Callable[[], None],
    steady: Callable[[], float],
) -> None:
    """Sends long polls until cancelled, but only after a look that succeeded.

    Args:
        far: the side that is asked.
        seen: set by each look that succeeded.
        cursor: gives the cursor up to which the far side is known.
        hint: called for every change.
        steady: monotonic seconds.
    """
    while True:
        await seen.wait()
        changed = False
        while not changed:
            began = steady()
            try:
                changed = await far.wait(await cursor(), POLL)
            except ProblemError:
                break  # the next look has the same problem, and reports it
            if not changed and steady() - began < SOONEST:
                await seen.wait(SOONEST)
        seen.clear()  # looks that ended before now did not see the change
        if changed:
            hint()
