"""Every command that a daemon answers, with its arguments, and whether it changes something.

The router reads this table to refuse wrong arguments by name and to carry out a repeated changing command
only once; front ends read it to know what there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cargo_sync.api.messages import Code, ControlError
from cargo_sync.api.suggest import did_you_mean

LONGEST_PAGE = 1000
"""Actions that one `job.plan` answers with at most."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What may stand in one argument: text (not empty), or a whole number from `low` to `high`."""

    kind: type[str] | type[int] = str
    required: bool = False
    low: int = 0
    high: int = 2**53

    def allows(self, value: object) -> bool:
        if self.kind is str:
            return isinstance(value, str) and value != ""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def __str__(self) -> str:
        return "text" if self.kind is str else f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `changes`: done once for an id, however often it is sent."""

    does: str
    args: Mapping[str, Argument] = field(default_factory=dict)
    changes: bool = False


_ONE = {"job": Argument(required=True)}
_ONE_OR_ALL = {"job": Argument()}

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "hello": Command("who answers, and what it supports"),
        "status": Command("the general state, jobs by state, totals"),
        "job.list": Command("every job with its state and progress"),
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
        "reload": Command("read all configuration again", changes=True),
        "shutdown": Command("end the daemon", changes=True),
    }
)


def check_arguments(cmd: str, command: Command, args: Mapping[str, Any]) -> None:
    """Raises ControlError(bad_argument) that names the argument and what is allowed."""
    for name, value in args.items():
        allowed = command.args.get(name)
        if allowed is None:
            hint = did_you_mean(name, command.args) or _takes(command)
            raise ControlError(Code.BAD_ARGUMENT, f'{cmd} has no argument "{name[:64]}"', hint)
        if not allowed.allows(value):
            raise ControlError(Code.BAD_ARGUMENT, f'{cmd}: "{name}" must be {allowed}')
    for name, argument in command.args.items():
        if argument.required and name not in args:
            raise ControlError(Code.BAD_ARGUMENT, f'{cmd} needs the argument "{name}"', _takes(command))


def _takes(command: Command) -> str:
    return "it takes " + ", ".join(command.args) if command.args else "it takes none"
