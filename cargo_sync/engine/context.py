"""What all steps of a run need: the job's rules and memory, the run's report and progress."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from cargo_sync.engine.report import RunProgress, RunReport
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.machines.client_fence import NO_PROCESS, ClientProcess
from cargo_sync.machines.newest_change import SeenChange
from cargo_sync.machines.progress import TryProgress
from cargo_sync.machines.retry import Failures
from cargo_sync.machines.room import DestinationRoom
from cargo_sync.machines.scope import NearScope
from cargo_sync.machines.settling import Settling
from cargo_sync.machines.two_looks import TwoLooks
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.jobs import Mode, Rules
from cargo_sync.model.world import World
from cargo_sync.state.conflicts import JobConflicts
from cargo_sync.state.events import Events
from cargo_sync.state.folders import Folders
from cargo_sync.state.guard_window import GuardWindow
from cargo_sync.state.holds import Holds
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.planned import Planned
from cargo_sync.state.suspects import JobSuspects
from cargo_sync.state.transfers import Transfers


@dataclass(frozen=True, slots=True)
class JobMemory:
    """What a job remembers from one run to the next.

    job_id    its number in the state
    failures  the files that failed. Like `settling` it is not stored: after a restart everything is
              tried at once
    settling  the files that were still being written
    window    what it has deleted and overwritten lately
    holds     what the guard holds, and what a person has decided about it
    events    its history
    suspects  what an unclean stop leaves to check, and what it has damaged
    rooms     what is known about the room at the destination of each direction
    ledger    of the trash in the local folder
    parts     what the destination had of unfinished files
    scope     what the next look looks at in the local folder
    conflicts  of a two-way job
    process   this one, as a server meets it
    two_looks  the files that may still be written on a server which shows them meanwhile
    listing   held while a page of the far side is stored: one job of a daemon does it at a time, so
              that the other jobs never wait for more than one page
    """

    name: str
    job_id: int
    jobs: JobRows
    folders: Folders
    transfers: Transfers
    planned: Planned
    failures: Failures
    settling: Settling
    rooms: Mapping[Mode, DestinationRoom]
    parts: TryProgress
    suspects: JobSuspects
    conflicts: JobConflicts
    ledger: TrashLedger
    window: GuardWindow
    holds: Holds
    events: Events
    scope: NearScope = field(default_factory=NearScope)
    listing: asyncio.Lock = field(default_factory=asyncio.Lock)
    process: ClientProcess = NO_PROCESS
    two_looks: TwoLooks = field(default_factory=TwoLooks)


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run.

    rules, memory, world  what the steps read: the job's rules, its memory, clock and threads
    report, progress      what the steps write
    newest                the newest change that the far side has shown until now
    server                what the far side keeps and can do, as it was opened last
    """

    rules: Rules
    memory: JobMemory
    world: World
    report: RunReport
    progress: RunProgress
    newest: Callable[[], SeenChange]
    server: Callable[[], Abilities]

    def recording(self) -> AbstractContextManager[None]:
        """One transaction for what was done, and for what proves that the server has it."""
        return self.memory.jobs.recording(self.memory.name, self.newest())
