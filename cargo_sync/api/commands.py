"""The type of a command: its arguments, whether it changes something, and which role may use it.

`daemon_commands` and `server_commands` list all commands. With them the router refuses wrong
arguments, executes a repeated command only once, and refuses callers who may only watch. Front ends
read them to know which commands exist.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic

from cargo_sync.api.arguments import A, Argument, arguments_of, check_arguments
from cargo_sync.api.roles import Role


@dataclass(frozen=True, slots=True)
class Command(Generic[A]):
    """One command.

    does     one line of help
    takes    its arguments, as `api.arguments` describes them
    changes  it changes something, and is executed only once per id
    role     the lowest role that may use it; None: `control` if it changes something, else `watch`
    args     the allowed values of each argument, by name
    """

    name: str
    does: str
    takes: type[A]
    changes: bool = False
    role: Role | None = None
    args: Mapping[str, Argument] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", arguments_of(self.takes))

    @property
    def needs(self) -> Role:
        """The lowest role that may use it."""
        return self.role or (Role.CONTROL if self.changes else Role.WATCH)

    def decode(self, args: Mapping[str, object]) -> A:
        """The arguments as one value for its handler. Raises ControlError(bad_argument)."""
        check_arguments(self.name, self.args, args)
        construct: Callable[..., A] = self.takes
        return construct(**args)


def by_name(*commands: Command[Any]) -> Mapping[str, Command[Any]]:
    """The commands by name."""
    return MappingProxyType({command.name: command for command in commands})
