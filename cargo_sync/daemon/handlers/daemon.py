"""What a daemon says as a whole: its status, and what a reload came to."""

from collections.abc import Awaitable, Callable

from cargo_sync.api.messages import JsonObject
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views


def status(jobs: Jobs) -> JsonObject:
    """The state of all jobs together, and the totals of what moves."""
    every = jobs.all.values()
    return views.status(
        [job.supervisor.state for job in every], (job.sampler.advance() for job in every)
    )


async def reloaded(jobs: Jobs, own_file: Callable[[], Awaitable[list[str]]]) -> JsonObject:
    """Reads every file again. `own_file` reads the daemon's, and returns what there is to say about
    it, a line each."""
    lines = await own_file()
    results, errors = await jobs.read()
    problems = [str(problem) for error in errors for problem in error.problems]
    return views.reloaded(results, lines + problems)
