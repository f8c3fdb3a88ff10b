"""`events`: what happened, a row each, since a cursor."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from cargo_sync.control.router import Handler, Offload
from cargo_sync.model.events import Event

PAGE: Final = 100


class EventRows(Protocol):
    """Events with their cursors, oldest first."""

    def since(self, cursor: int, limit: int, job: str | None = None) -> Sequence[tuple[int, Event]]:
        """Up to `limit` of them after `cursor`."""

    def last(self, limit: int, job: str | None = None) -> Sequence[tuple[int, Event]]:
        """The newest `limit`."""

    def bounds(self) -> tuple[int, int]:
        """The oldest cursor that is kept, and the newest that ever was; the next one and it when
        none is."""


class EventHandlers:
    """Answers what happened."""

    def __init__(self, rows: EventRows, offload: Offload) -> None:
        self._rows = rows
        self._offload = offload

    def table(self) -> dict[str, Handler]:
        return {"events": self.events}

    async def events(self, args: dict[str, Any]) -> dict[str, Any]:
        since, limit, job = args.get("since"), args.get("limit", PAGE), args.get("job")
        # Asked before the rows: what is written meanwhile is read next time.
        oldest, newest = await self._offload(self._rows.bounds)
        if since is None:
            rows = await self._offload(self._rows.last, limit, job)
        else:
            rows = await self._offload(self._rows.since, since, limit, job)
        full = since is not None and len(rows) == limit
        reached = rows[-1][0] if rows else 0
        return {
            "events": [_row(cursor, event) for cursor, event in rows],
            "next": reached if full else max(reached, newest),
            "more": full,
            "oldest": oldest,
        }


def _row(cursor: int, event: Event) -> dict[str, Any]:
    details = dict(event.details)
    return {
        "cursor": cursor,
        "job": event.job,
        "kind": event.happened.kind,
        "time": event.time,
        "path": event.path,
        "bytes": event.size,
        "message": str(details.pop("message", "")),
        "details": details,
    }
