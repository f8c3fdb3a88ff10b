"""Which handler carries a command out: a process answers the routes of its nouns."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, Protocol

from cargo_sync.api.arguments import A
from cargo_sync.api.commands import Command
from cargo_sync.api.messages import JsonObject


@dataclass(frozen=True, slots=True)
class Route(Generic[A]):
    """A command and its handler, which takes exactly the arguments of this command.

    The handler raises ControlError to refuse; a ProblemError is a refusal in the problem's words.
    It answers at once; what takes long is started, and goes on in the feed.
    """

    command: Command[A]
    handler: Callable[[A], Awaitable[JsonObject]]


class Noun(Protocol):
    """The handlers of one noun."""

    def routes(self) -> Sequence[Route[Any]]:
        """One for each command of the noun."""


def routed(nouns: Iterable[Noun]) -> Mapping[str, Route[Any]]:
    """The routes of all nouns, by the command's name."""
    return MappingProxyType(
        {route.command.name: route for noun in nouns for route in noun.routes()}
    )
