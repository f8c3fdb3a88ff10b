"""Hearing of changes: hints that bring a job's next look forward. A hint that is lost costs only
time."""

from collections.abc import Awaitable, Callable
from typing import Final

from cargo_sync.model.problems import ProblemError
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.trees.contract import FarTree

POLL: Final = 50.0
SOONEST: Final = 1.0
"""A server that answers a long poll at once, without news, is asked again after so long."""


async def hear_far(
    far: FarTree,
    seen: Wakeup,
    cursor: Callable[[], Awaitable[int]],
    hint: Callable[[], None],
    steady: Callable[[], float],
) -> None:
    """Long polls for ever. It listens only after a look that went well, which rings `seen`.

    Args:
        far: the side that is asked.
        cursor: up to where the far side is known.
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
                break  # the next look meets it too, and tells of it
            if not changed and steady() - began < SOONEST:
                await seen.wait(SOONEST)
        seen.clear()  # looks that ended before this moment know nothing of the change
        if changed:
            hint()
