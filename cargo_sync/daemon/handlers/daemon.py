"""`status` and `reload`, for the whole daemon."""

from collections.abc import Awaitable, Callable

from cargo_sync.api.messages import JsonObject
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views
from cargo_sync.machines.job_state import JobState
from cargo_sync.process.zone_rules import ZoneRules


def status(jobs: Jobs, zones: ZoneRules) -> JsonObject:
    """The state of all jobs together, their progress, what drifted, the rules of time zones."""
    every = jobs.all.values()
    states = [job.supervisor.state for job in every] + [JobState.ERROR] * len(jobs.unusable)
    progress = (job.sampler.advance() for job in every)
    conflicts = sum(job.supervisor.conflicts for job in every)
    drifted = sum(job.supervisor.outcomes.drifted for job in every)
    return views.status(states, progress, conflicts, drifted) | {"zone_rules": zones.version}


async def reloaded(jobs: Jobs, settings: Callable[[], Awaitable[list[str]]]) -> JsonObject:
    """Reads all files again.

    Args:
        jobs: reads the job files.
        settings: reads the daemon's settings file, and returns lines for the user about it.
    """
    lines = await settings()
    results, errors = await jobs.read()
    problems = [str(problem) for error in errors for problem in error.problems]
    return views.reloaded(results, lines + problems)
