"""What tests of renames need: jobs that repeat deletions, files that are worth it, and runs."""

from collections.abc import Callable

from cargo_sync.engine.report import RunReport
from cargo_sync.plan.moves import LEAST
from tests.engine.world import System

Make = Callable[..., System]
"""Makes a job: its mode, and its rules."""


def big(mark: str) -> bytes:
    """The content of a file that is renamed rather than sent again."""
    return mark.encode() * LEAST


async def run(system: System) -> RunReport:
    """A run, some time after the last one, in which nothing fails."""
    system.now += 100
    report = await system.run().execute()
    assert not report.errors
    return report
