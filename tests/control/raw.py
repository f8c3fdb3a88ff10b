"""Routes for tests, whose handlers get the arguments as they were sent."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cargo_sync.api.arguments import Args, check_arguments
from cargo_sync.api.commands import Command
from cargo_sync.api.roles import Role
from cargo_sync.control.routes import Route

RawHandler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawArgs(Args):
    """What was sent."""

    sent: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RawCommand(Command[RawArgs]):
    """Checks arguments like `real`, if there is one."""

    real: Command[Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", self.real.args if self.real is not None else {})

    def decode(self, args: Mapping[str, object]) -> RawArgs:
        if self.real is not None:
            check_arguments(self.name, self.args, args)
        return RawArgs(sent=args)


def raw_route(name: str, handler: RawHandler, known: Mapping[str, Command[Any]]) -> Route[RawArgs]:
    """A route for the command `name`; one that is not `known` takes any arguments."""
    real = known.get(name)
    if real is None:
        command = RawCommand(name, "", RawArgs, role=Role.CONTROL)
    else:
        command = RawCommand(name, real.does, RawArgs, real.changes, real.role, real)

    async def handle(args: RawArgs) -> dict[str, Any]:
        return await handler(dict(args.sent))

    return Route(command, handle)


def raw_routes(
    handlers: Mapping[str, RawHandler], known: Mapping[str, Command[Any]]
) -> dict[str, Route[Any]]:
    """A route for each handler, by name of the command."""
    return {name: raw_route(name, handler, known) for name, handler in handlers.items()}
