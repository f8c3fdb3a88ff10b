"""What a job keeps between runs: its rooms in the state, and its memory of failures and unsettled
files."""

from dataclasses import dataclass

from cargo_sync.machines.retry import Failures
from cargo_sync.machines.settling import Settling
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.planned import Planned
from cargo_sync.state.transfers import Transfers


@dataclass(frozen=True, slots=True)
class Kept:
    """One job's rooms.

    job       its number in the state
    failures, settling  live as long as the daemon does: after a restart everything is tried at once
    """

    name: str
    job: int
    jobs: JobRows
    folders: Folders
    transfers: Transfers
    planned: Planned
    failures: Failures
    settling: Settling
