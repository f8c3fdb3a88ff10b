"""The commands for a daemon's jobs."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from cargo_sync.api.arguments import Args, Mark, Range
from cargo_sync.api.commands import Command
from cargo_sync.api.common_commands import LONGEST_PAGE, PageLimit
from cargo_sync.api.roles import Role

EventKind = Literal[
    "uploaded", "downloaded", "adopted", "touched", "deleted", "moved", "displaced", "kept",
    "conflict", "error", "held", "reset", "started", "idle", "restored", "freed",
]  # fmt: skip
"""What can happen to a file of a job, or to a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneJob(Args):
    """A job, by its name."""

    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOrAllJobs(Args):
    """A job, by its name; without it all jobs."""

    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlanArgs(OneJob):
    """Without `run` it begins a plan; with it, it gives the actions after the number `after`."""

    run: str | None = None
    after: int = 0
    limit: PageLimit = LONGEST_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHoldArgs(OneJob):
    """held: the id of what is held; without it, all that is held now."""

    held: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDeliverArgs(OneJob):
    """run: the id of a comparison by `job.verify`."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpeedArgs(OneJob):
    """speed: such as "10mbps", "none" for no limit, None for the speed of the job's file."""

    speed: Annotated[str | None, Mark.NULL]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHistoryArgs(OneJob):
    """Which rows, newest first.

    before      only rows before this cursor
    path        a path, for it and all below it; or with * ? [ a pattern of a path or a name
    start, end  unix seconds: only what happened from then on, and before then
    """

    before: Annotated[int | None, Range(1)] = None
    path: Annotated[str, Mark.EMPTY] = ""
    kind: EventKind | None = None
    start: int | None = None
    end: int | None = None
    limit: PageLimit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRatesArgs(OneOrAllJobs):
    """span: the last ten minutes, or the last day."""

    span: Literal["10m", "day"] = "10m"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTestArgs(OneJob):
    """test: the id of a check that was begun; without it a new one begins."""

    test: str | None = None


LIST: Final = Command("job.list", "all jobs with state and progress", Args, role=Role.PLAIN)
SHOW: Final = Command("job.show", "one job with its settings, what fails, and why", OneJob)
START: Final = Command("job.start", "end the pause of one job or all", OneOrAllJobs, changes=True)
PAUSE: Final = Command(
    "job.pause", "pause one job or all, also in the middle of a file", OneOrAllJobs, changes=True
)
RELOAD: Final = Command(
    "job.reload", "read the file of one job or all again", OneOrAllJobs, changes=True
)
SYNC: Final = Command("job.sync", "look for changes now", OneJob, changes=True)
PLAN: Final = Command("job.plan", "what the next run would do, without doing it", JobPlanArgs)
VERIFY: Final = Command("job.verify", "compare both sides of a job by content", JobPlanArgs)
DELIVER: Final = Command(
    "job.deliver", "deliver again what a comparison found to differ", JobDeliverArgs, changes=True
)
APPROVE: Final = Command(
    "job.approve", "let exactly these held steps pass", JobHoldArgs, changes=True
)
REJECT: Final = Command(
    "job.reject", "keep the destination as it is, instead of held steps", JobHoldArgs, changes=True
)
SPEED: Final = Command("job.speed", "change the speed of a job at once", JobSpeedArgs, changes=True)
HISTORY: Final = Command("job.history", "what happened in a job, newest first", JobHistoryArgs)
RATES: Final = Command("job.rates", "how fast files moved lately", JobRatesArgs)
TEST: Final = Command(
    "job.test",
    "check a job's server, login and folders, without a run",
    JobTestArgs,
    role=Role.CONTROL,
)

JOB_COMMANDS: Final = (
    LIST,
    SHOW,
    START,
    PAUSE,
    RELOAD,
    SYNC,
    PLAN,
    VERIFY,
    DELIVER,
    APPROVE,
    REJECT,
    SPEED,
    HISTORY,
    RATES,
    TEST,
)
