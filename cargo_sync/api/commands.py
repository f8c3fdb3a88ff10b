"""What a command is: its arguments, whether it changes something, and who may give it.

`daemon_commands` and `server_commands` list them all. The router reads them to refuse wrong
arguments by name, to carry out a repeated changing command only once, and to refuse callers who
may only watch; front ends read them to know which commands there are.
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

    takes    its arguments, as `api.arguments` describes them
    changes  done once for an id, however often it is sent
    role     the least role that may give it; without one, `control` for what changes something,
             else `watch`
    args     what each of its arguments may be, by name
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
        """The least role that may give it."""
        return self.role or (Role.CONTROL if self.changes else Role.WATCH)

    def decode(self, args: Mapping[str, object]) -> A:
        """The arguments as its handler takes them. Raises ControlError(bad_argument)."""
        check_arguments(self.name, self.args, args)
        construct: Callable[..., A] = self.takes
        return construct(**args)


def by_name(*commands: Command[Any]) -> Mapping[str, Command[Any]]:
    """Commands, as a process lists them."""
    return MappingProxyType({command.name: command for command in commands})
