"""One run while it goes on: what it is about, and how far it has come. The engine's steps are given
it."""

from dataclasses import dataclass

from cargo_sync.engine.kept import Kept
from cargo_sync.engine.progress import Progress
from cargo_sync.engine.report import RunReport
from cargo_sync.model.jobs import Rules
from cargo_sync.model.world import World


@dataclass(frozen=True, slots=True)
class Ongoing:
    """The run of a job.

    rules, kept, world  what it is about: intent, memory, the outside
    report, progress    how far it has come, written by its steps
    """

    rules: Rules
    kept: Kept
    world: World
    report: RunReport
    progress: Progress
