"""All commands of a daemon."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from cargo_sync.api.arguments import Args, Mark
from cargo_sync.api.commands import Command, by_name
from cargo_sync.api.common_commands import (
    COMMON,
    LONGEST_PAGE,
    BandwidthArgs,
    PageLimit,
    RowsSince,
)
from cargo_sync.api.conflict_commands import CONFLICT_COMMANDS
from cargo_sync.api.job_commands import JOB_COMMANDS, OneJob, OneOrAllJobs
from cargo_sync.api.job_file_commands import JOB_FILE_COMMANDS
from cargo_sync.api.roles import Role
from cargo_sync.api.run_commands import RUN_COMMANDS
from cargo_sync.api.session_commands import SESSION_COMMANDS
from cargo_sync.api.trash_commands import JOB_TRASH_COMMANDS


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTransfer(Args):
    """A transfer, by its id or the beginning of its id."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryArgs(RowsSince):
    """job: only rows of this job."""

    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackListArgs(OneOrAllJobs):
    """state: "pending" or "dead". after: only callbacks with greater numbers."""

    state: str | None = None
    after: int = 0
    limit: PageLimit = LONGEST_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRetryArgs(Args):
    """One callback, those of a job, or all."""

    id: str | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackTestArgs(OneJob):
    """event: one of the job's `events`; without it the first."""

    event: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonBandwidth(BandwidthArgs):
    """The bandwidth of all jobs together."""

    bandwidth: Annotated[str | None, Mark.NULL]


TRANSFER_LIST: Final = Command("transfer.list", "the current transfers", Args)
TRANSFER_CANCEL: Final = Command(
    "transfer.cancel", "cancel the transfer of one file", OneTransfer, changes=True
)
HISTORY: Final = Command("history", "what happened since a cursor, one row per file", HistoryArgs)
CALLBACK_LIST: Final = Command(
    "callback.list", "the callbacks that wait or were given up", CallbackListArgs
)
CALLBACK_RETRY: Final = Command(
    "callback.retry",
    "send callbacks now: one, those of a job, or all",
    CallbackRetryArgs,
    changes=True,
)
CALLBACK_TEST: Final = Command(
    "callback.test",
    "send one callback with example values",
    CallbackTestArgs,
    role=Role.CONTROL,
)
BANDWIDTH_SET: Final = Command(
    "bandwidth.set",
    "change the bandwidth of all jobs together at once",
    DaemonBandwidth,
    changes=True,
)

COMMANDS: Final[Mapping[str, Command[Any]]] = by_name(
    *JOB_COMMANDS,
    *JOB_FILE_COMMANDS,
    *CONFLICT_COMMANDS,
    *JOB_TRASH_COMMANDS,
    *RUN_COMMANDS,
    TRANSFER_LIST,
    TRANSFER_CANCEL,
    HISTORY,
    CALLBACK_LIST,
    CALLBACK_RETRY,
    CALLBACK_TEST,
    BANDWIDTH_SET,
    *SESSION_COMMANDS,
    *COMMON,
)
