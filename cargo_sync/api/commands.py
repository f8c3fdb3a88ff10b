"""What a command is: its arguments, whether it changes something, and who may give it.

`daemon_commands` and `server_commands` are the tables. The router reads them to refuse wrong
arguments by name, to carry out a repeated changing command only once, and to turn away who may only
watch; front ends read them to know what there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.api.suggest import did_you_mean

ArgumentKind = type[str] | type[int] | type[bool] | type[dict] | type[list]  # type: ignore[type-arg]


class Role(StrEnum):
    """Who somebody is to a daemon or a server. Its own user, on the local sockets, is `control`."""

    PLAIN = "plain"
    """A legacy script on a plain loopback port: the plain-text orders, `status`, `job.list` and the
    feed."""
    WATCH = "watch"
    """May look at everything and change nothing."""
    CONTROL = "control"

    def may(self, needs: "Role") -> bool:
        """Whether who has this role may do what `needs` that one."""
        return _RANK[self] >= _RANK[needs]


_RANK: Final = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Argument:
    """What may stand in one argument.

    kind       text (not empty), a whole number from `low` to `high`, true or false, an object, a
               list
    nullable   null is allowed, and means something of its own: no limit, not any more
    secret     never written down: neither in logs, nor in the feed, nor in what is kept of a
               command
    one_of     the texts that are allowed, where not all are
    empty      text may be empty: the workspace itself, from the beginning
    """

    kind: ArgumentKind = str
    required: bool = False
    low: int = 0
    high: int = 2**53
    nullable: bool = False
    secret: bool = False
    one_of: tuple[str, ...] = ()
    empty: bool = False

    def allows(self, value: object) -> bool:
        if value is None:
            return self.nullable
        if self.kind is int:
            return (
                isinstance(value, int)
                and not isinstance(value, bool)
                and self.low <= value <= self.high
            )
        if self.one_of:
            return value in self.one_of
        return isinstance(value, self.kind) and (self.empty or value != "")

    def __str__(self) -> str:
        if self.one_of:
            words = "one of " + ", ".join(self.one_of)
        else:
            words = (
                f"a whole number from {self.low} to {self.high}"
                if self.kind is int
                else _WORDS[self.kind]
            )
        return f"{words}, or null" if self.nullable else words


_WORDS: Final[Mapping[ArgumentKind, str]] = {
    str: "text",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    changes  done once for an id, however often it is sent
    role     the least role that may give it; without one, `control` for what changes something,
             else `watch`
    """

    does: str
    args: Mapping[str, Argument] = field(default_factory=dict)
    changes: bool = False
    role: Role | None = None

    @property
    def needs(self) -> Role:
        return self.role or (Role.CONTROL if self.changes else Role.WATCH)


def check_arguments(cmd: str, command: Command, args: Mapping[str, Any]) -> None:
    """Raises ControlError(bad_argument) that names the argument and what is allowed."""
    for name, value in args.items():
        allowed = command.args.get(name)
        if allowed is None:
            hint = did_you_mean(name, command.args) or _takes(command)
            raise ControlError(ReplyCode.BAD_ARGUMENT, f'{cmd} has no argument "{name[:64]}"', hint)
        if not allowed.allows(value):
            raise ControlError(ReplyCode.BAD_ARGUMENT, f'{cmd}: "{name}" must be {allowed}')
    for name, argument in command.args.items():
        if argument.required and name not in args:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, f'{cmd} needs the argument "{name}"', _takes(command)
            )


def _takes(command: Command) -> str:
    return "it takes " + ", ".join(command.args) if command.args else "it takes none"
