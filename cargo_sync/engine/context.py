"""What the steps of a run are given: what it is about, what the job remembers, how far the run has
come."""

from dataclasses import dataclass

from cargo_sync.engine.progress import Progress
from cargo_sync.engine.report import RunReport
from cargo_sync.machines.retry import Failures
from cargo_sync.machines.settling import Settling
from cargo_sync.model.jobs import Rules
from cargo_sync.model.world import World
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.planned import Planned
from cargo_sync.state.transfers import Transfers


@dataclass(frozen=True, slots=True)
class JobMemory:
    """What a job remembers from one run to the next: its tables of the state, the files that
    failed, and those that were still being written.

    job_id  its number in the state
    failures, settling  live as long as the daemon does: after a restart everything is tried at once
    """

    name: str
    job_id: int
    jobs: JobRows
    folders: Folders
    transfers: Transfers
    planned: Planned
    failures: Failures
    settling: Settling


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run while it goes on.

    rules, memory, world  what it is about: intent, memory, the outside
    report, progress      how far it has come, written by its steps
    """

    rules: Rules
    memory: JobMemory
    world: World
    report: RunReport
    progress: Progress
