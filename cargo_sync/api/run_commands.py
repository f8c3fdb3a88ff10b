"""The commands about the runs of jobs."""

from dataclasses import dataclass
from typing import Annotated, Final

from cargo_sync.api.arguments import Args, Range
from cargo_sync.api.commands import Command
from cargo_sync.api.common_commands import PageLimit
from cargo_sync.api.job_commands import OneJob


@dataclass(frozen=True, slots=True, kw_only=True)
class RunListArgs(OneJob):
    """A page of runs, the newest first: those with numbers below `before`."""

    before: Annotated[int | None, Range(1)] = None
    limit: PageLimit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRun(Args):
    """A run, by its id."""

    run: str


RUN_LIST: Final = Command(
    "run.list", "the runs of a job that did something or failed, newest first", RunListArgs
)
RUN_SHOW: Final = Command("run.show", "one run", OneRun)

RUN_COMMANDS: Final = (RUN_LIST, RUN_SHOW)
