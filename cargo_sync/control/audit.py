"""The audit: who changed what, written down before it is done and once more when it is known how it
went."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from cargo_sync.api.commands import Command
from cargo_sync.api.messages import encode

DONE: Final = "ok"
"""The outcome of a command that did what it was asked for; of others it is the error's code."""
_LONGEST = 200
_HIDDEN = "***"


class AuditLog(Protocol):
    """Rows of commands that change something.

    Both are durable when they return. A row without an outcome is of a command that was cut short
    by the end of the process.
    """

    def begin(self, who: str, command: str, args: str) -> int:
        """A row's number. args: a JSON object, without secrets."""

    def end(self, number: int, outcome: str) -> None:
        """How it went: `DONE`, or an error's code."""


class MemoryAudit:
    """In memory: for tests, and for processes that keep no state."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []

    def begin(self, who: str, command: str, args: str) -> int:
        self.rows.append((who, command, args, ""))
        return len(self.rows) - 1

    def end(self, number: int, outcome: str) -> None:
        who, command, args, _ = self.rows[number]
        self.rows[number] = (who, command, args, outcome)


def written(command: Command[Any], args: Mapping[str, object]) -> str:
    """Arguments as they may be written down.

    Secret ones are hidden; of an object only the names of its fields are kept and of a list its
    length, for a job's whole file may be an argument.
    """
    told = {
        name: _HIDDEN if command.args[name].secret else _told(value) for name, value in args.items()
    }
    return encode(told).decode()


def _told(value: object) -> object:
    match value:
        case dict():
            return {"fields": sorted(_short(str(name)) for name in value)[:_LONGEST]}
        case list():
            return {"items": len(value)}
        case str():
            return _short(value)
        case _:
            return value


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
