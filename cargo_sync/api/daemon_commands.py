"""Every command that a daemon answers."""

from collections.abc import Mapping
from types import MappingProxyType

from cargo_sync.api.commands import Argument, Command, Role
from cargo_sync.api.log_command import LOG

LONGEST_PAGE = 1000
"""Rows that one answer holds at most."""

_ONE = {"job": Argument(required=True)}
_ONE_OR_ALL = {"job": Argument()}

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "hello": Command("who answers, and what it supports", role=Role.PLAIN),
        "status": Command("the general state, jobs by state, totals", role=Role.PLAIN),
        "job.list": Command("every job with its state and progress", role=Role.PLAIN),
        "job.show": Command("one job with its settings, and the causes of what fails", _ONE),
        "job.start": Command("end a pause, of one job or all", _ONE_OR_ALL, changes=True),
        "job.pause": Command("stop at once, mid-file, until started; one job or all", _ONE_OR_ALL, True),
        "job.reload": Command("read a job's file again; one job or all", _ONE_OR_ALL, changes=True),
        "job.sync": Command("look for changes now", _ONE, changes=True),
        "job.plan": Command(
            "what the next run would do, without doing it",
            {
                "job": Argument(required=True),
                "run": Argument(),
                "after": Argument(int),
                "limit": Argument(int, low=1, high=LONGEST_PAGE),
            },
        ),
        "job.approve": Command("let the held run pass once", _ONE, changes=True),
        "transfer.list": Command("the files that are on their way"),
        "log": LOG,
        "reload": Command("read all configuration again", changes=True),
        "shutdown": Command("end the daemon", changes=True),
    }
)
