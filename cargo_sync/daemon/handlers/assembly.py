"""All handlers of a daemon, as one dispatch table."""

from collections.abc import Iterable
from typing import Protocol

from cargo_sync.control.router import Handler


class Noun(Protocol):
    """The handlers of one noun."""

    def table(self) -> dict[str, Handler]:
        """By command."""


def assembled(nouns: Iterable[Noun]) -> dict[str, Handler]:
    """The tables of all nouns together."""
    return {name: handler for noun in nouns for name, handler in noun.table().items()}
