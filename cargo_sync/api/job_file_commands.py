"""The commands about job files: they are checked, read, written and removed; folders for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from cargo_sync.api.arguments import Args, Mark
from cargo_sync.api.commands import Command
from cargo_sync.api.common_commands import LONGEST_PAGE, PageLimit
from cargo_sync.api.job_commands import OneJob
from cargo_sync.api.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFileArgs(Args):
    """What a job file shall contain: its text, or its fields. name: what errors call it."""

    text: Annotated[str | None, Mark.SECRET, Mark.EMPTY] = field(default=None, repr=False)
    fields: Annotated[Mapping[str, object] | None, Mark.SECRET] = field(default=None, repr=False)
    name: str = "the text"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAddArgs(JobFileArgs):
    """paused: it waits for `job.start`."""

    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCheckArgs(JobFileArgs):
    """job: the job whose file it would replace; without it, it would be a new job."""

    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWriteArgs(OneJob):
    """Its text or its fields, as in JobFileArgs. version: of the file that they come from."""

    text: Annotated[str | None, Mark.SECRET, Mark.EMPTY] = field(default=None, repr=False)
    fields: Annotated[Mapping[str, object] | None, Mark.SECRET] = field(default=None, repr=False)
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalListArgs(Args):
    """path: "" for the home of the daemon's user. after: names after this one."""

    path: Annotated[str, Mark.EMPTY] = ""
    after: Annotated[str, Mark.EMPTY] = ""
    limit: PageLimit = LONGEST_PAGE


ADD: Final = Command("job.add", "add a job", JobAddArgs, changes=True)
REMOVE: Final = Command(
    "job.remove", "end a job and put its file aside; files on both sides stay", OneJob, changes=True
)
CHECK: Final = Command(
    "job.check", "check a job file without taking it", JobCheckArgs, role=Role.CONTROL
)
READ: Final = Command("job.read", "a job's file, without its secrets", OneJob, role=Role.CONTROL)
WRITE: Final = Command(
    "job.write", "replace a job's file, if it has no errors", JobWriteArgs, changes=True
)
LOCAL_LIST: Final = Command(
    "local.list", "the folders in a folder of this machine", LocalListArgs, role=Role.CONTROL
)

JOB_FILE_COMMANDS: Final = (ADD, REMOVE, CHECK, READ, WRITE, LOCAL_LIST)
