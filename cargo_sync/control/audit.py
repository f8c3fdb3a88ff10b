"""The audit: who changed what, stored before a command runs and again when its outcome is known."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from cargo_sync.api.commands import Command
from cargo_sync.api.messages import ReplyCode, encode
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload

DONE: Final = "ok"
"""The outcome of a command that succeeded; other outcomes are the code of the error."""
_LONGEST = 200
_MOST = 50
"""Values of an object that are kept."""
_HIDDEN = "***"

_log = logging.getLogger(__name__)


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


class AuditWriter:
    """Writes rows of the audit.

    With a full disk it must still be possible to pause a job or stop the daemon. So a row that
    cannot be written goes to the log.
    """

    def __init__(self, audit: AuditLog, offload: Offload) -> None:
        self._audit = audit
        self._offload = offload

    async def begin(self, who: str, command: str, args: str) -> int | None:
        """As `AuditLog.begin`; None if it could not be written."""
        try:
            return await self._offload(self._audit.begin, who, command, args)
        except ProblemError as error:
            lost = "the audit cannot be written (%s): %s %s by %s"
            _log.error(lost, error, command, args, who)
            return None

    async def end(self, number: int | None, outcome: str) -> None:
        """As `AuditLog.end`; nothing for None."""
        if number is None:
            return
        try:
            await self._offload(self._audit.end, number, outcome)
        except ProblemError as error:
            lost = "the audit cannot be written (%s): number %d ended with %s"
            _log.error(lost, error, number, outcome)

    @asynccontextmanager
    async def row(self, who: str, command: str, args: Mapping[str, object]) -> AsyncIterator[None]:
        """A row about what is done meanwhile. Its outcome is that of the block."""
        number = await self.begin(who, command, encode(shortened(args)).decode())
        outcome = str(ReplyCode.INTERNAL)
        try:
            yield
            outcome = DONE
        except ProblemError as error:
            outcome = error.problem.code_text
            raise
        finally:
            await self.end(number, outcome)


def shortened(args: Mapping[str, object]) -> dict[str, object]:
    """Arguments without secrets, each in few words; of a list the length."""
    return {name: _summary(value, told=False) for name, value in args.items()}


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
