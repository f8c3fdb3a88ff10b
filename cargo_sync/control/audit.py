"""The audit: who changed what, stored before a command runs and again when its outcome is known."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from cargo_sync.api.commands import Command
from cargo_sync.api.messages import encode

DONE: Final = "ok"
"""The outcome of a command that succeeded; other outcomes are the code of the error."""
_LONGEST = 200
_MOST = 50
"""Values of an object that are kept."""
_HIDDEN = "***"


class AuditLog(Protocol):
    """Rows of commands that change something.

    A row is durable when a call returns. If a row has no outcome, the process ended during the
    command.
    """

    def begin(self, who: str, command: str, args: str) -> int:
        """Adds a row, and returns its number. `args` is a JSON object without secrets."""

    def end(self, number: int, outcome: str) -> None:
        """Sets the outcome: `DONE`, or the code of an error."""


class MemoryAudit:
    """An audit in memory, for tests and for processes without a state."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []

    def begin(self, who: str, command: str, args: str) -> int:
        self.rows.append((who, command, args, ""))
        return len(self.rows) - 1

    def end(self, number: int, outcome: str) -> None:
        who, command, args, _ = self.rows[number]
        self.rows[number] = (who, command, args, outcome)


def written(command: Command[Any], args: Mapping[str, object]) -> str:
    """The arguments of a command as JSON for the audit.

    Secrets are hidden. Objects are reduced to the names of their fields (unless the command says
    that they may be told) and lists to their lengths, because an argument may be a whole job file.
    """
    shown = {
        name: _HIDDEN if argument.secret else _summary(value, told=argument.told)
        for name, value in args.items()
        for argument in (command.args[name],)
    }
    return encode(shown).decode()


def _summary(value: object, *, told: bool) -> object:
    match value:
        case dict() if told:
            return {_short(str(name)): _short(str(value[name])) for name in sorted(value)[:_MOST]}
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
