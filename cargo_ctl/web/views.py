"""What a browser looks at: which sources, which messages of their feeds, and their snapshots."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cargo_ctl.web.upstream import Told
from cargo_sync.api import topics
from cargo_sync.api.messages import JsonObject

Call = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Asks a source: a command and its arguments -> its result."""


class ViewKind(StrEnum):
    """The pictures that a page may show."""

    JOBS = "jobs"
    JOB = "job"
    SERVER = "server"
    TRANSFERS = "transfers"


_RANKS: Final = ("held", "error", "conflicts", "syncing", "starting", "waiting", "paused", "synced")
"""Jobs that need a person come first."""


@dataclass(frozen=True, slots=True)
class View:
    """What one browser looks at.

    source  the only source that it is about; "" for all
    job     the only job
    """

    kind: ViewKind
    source: str = ""
    job: str = ""

    def has(self, source: str) -> bool:
        """Whether a source is in it."""
        return self.source in ("", source)

    def shows(self, told: Told) -> bool:
        """Whether a message belongs to it."""
        group = told.topic.partition("/")[0] + "/"
        match self.kind:
            case ViewKind.JOBS:
                return group in (topics.STATUS, topics.PROGRESS, topics.JOBS, topics.NOTICES)
            case ViewKind.JOB if group in (topics.JOBS, topics.NOTICES):
                return topics.name_of(told.topic) == self.job
            case ViewKind.JOB:
                return group == topics.TRANSFERS and told.fields.get("job") == self.job
            case ViewKind.SERVER:
                return group in topics.SERVER
            case ViewKind.TRANSFERS:
                return group in (topics.TRANSFERS, topics.FLOWS)

    async def snapshot(self, kind: str, call: Call) -> JsonObject:
        """What is to be shown of a source of this kind now, without what all views have.

        Raises:
            CommandError, NotRunning, NotAdmitted, AddressError: from `call`.
        """
        if kind == "server":
            return await _of_server(self.kind, call)
        match self.kind:
            case ViewKind.JOBS:
                listed, status = await _together(call, "job.list", "status")
                return {"jobs": by_need(_rows(listed, "jobs")), "progress": status.get("totals")}
            case ViewKind.JOB:
                shown, moving = await asyncio.gather(
                    call("job.show", {"job": self.job}), call("transfer.list", {})
                )
                rows = _rows(moving, "transfers")
                return {
                    "job": shown,
                    "transfers": [row for row in rows if row.get("job") == self.job],
                }
            case ViewKind.TRANSFERS:
                return await call("transfer.list", {})
            case ViewKind.SERVER:
                return {}


async def _of_server(view: ViewKind, call: Call) -> JsonObject:
    match view:
        case ViewKind.JOBS:
            return {"status": await call("status", {})}
        case ViewKind.TRANSFERS:
            return {"flows": _rows(await call("flow.list", {}), "flows")}
        case ViewKind.SERVER:
            status, flows, users, workspaces, bandwidth = await _together(
                call, "status", "flow.list", "user.list", "workspace.list", "bandwidth.show"
            )
            return {
                "status": status,
                "flows": _rows(flows, "flows"),
                "users": _rows(users, "users"),
                "workspaces": _rows(workspaces, "workspaces"),
                "bandwidth": _rows(bandwidth, "bandwidth"),
            }
        case ViewKind.JOB:
            return {}


def by_need(jobs: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Rows of `job.list`: those that need a person first, then those that move files; by name."""
    return sorted(jobs, key=lambda row: (_rank(row), str(row.get("name"))))


def _rank(row: Mapping[str, object]) -> int:
    state = row.get("state")
    if state not in ("held", "error", "disabled") and row.get("conflicts"):
        state = "conflicts"
    return _RANKS.index(state) if state in _RANKS else len(_RANKS)


def _rows(result: JsonObject, name: str) -> list[Mapping[str, object]]:
    rows = result.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


async def _together(call: Call, *commands: str) -> list[JsonObject]:
    return await asyncio.gather(*(call(command, {}) for command in commands))
