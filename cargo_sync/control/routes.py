"""Routes: which handler executes a command."""

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

    The handler raises ControlError to refuse; a ProblemError becomes an error reply too. It must
    answer soon: long work is only started, and its progress is on the feed.
    """

    command: Command[A]
    handler: Callable[[A], Awaitable[JsonObject]]


class Noun(Protocol):
    """The handlers of one noun."""

    def routes(self) -> Sequence[Route[Any]]:
        """One route per command of the noun."""


def routed(nouns: Iterable[Noun]) -> Mapping[str, Route[Any]]:
    """The routes of all nouns, by name of the command."""
    return MappingProxyType(
        {route.command.name: route for noun in nouns for route in noun.routes()}
    )
