"""`audit`: who changed what."""

from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from cargo_sync.api.common_commands import AUDIT, RowsSince
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.routes import Route
from cargo_sync.model.world import Offload


class AuditEntry(Protocol):
    """A row of the audit; `args` is a JSON object, `outcome` is "" while it is unknown."""

    @property
    def number(self) -> int: ...
    @property
    def time(self) -> float: ...
    @property
    def who(self) -> str: ...
    @property
    def command(self) -> str: ...
    @property
    def args(self) -> str: ...
    @property
    def outcome(self) -> str: ...


class AuditRows(Protocol):
    """The rows of the audit, oldest first."""

    def since(self, number: int, limit: int) -> Sequence[AuditEntry]:
        """Up to `limit` rows after `number`."""

    def last(self, limit: int) -> Sequence[AuditEntry]:
        """The newest `limit` rows."""


class AuditHandlers:
    """Shows who changed what."""

    def __init__(self, rows: AuditRows, offload: Offload) -> None:
        self._rows = rows
        self._offload = offload

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(AUDIT, self.audit),)

    async def audit(self, args: RowsSince) -> JsonObject:
        since, limit = args.since, args.limit
        if since is None:
            rows = await self._offload(self._rows.last, limit)
        else:
            rows = await self._offload(self._rows.since, since, limit)
        return {
            "rows": [_row(row) for row in rows],
            "next": rows[-1].number if rows else since or 0,
        }


def _row(row: AuditEntry) -> JsonObject:
    return {
        "number": row.number,
        "time": row.time,
        "who": row.who,
        "command": row.command,
        "args": orjson.loads(row.args),
        "outcome": row.outcome,
    }
