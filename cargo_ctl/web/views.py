"""What a browser looks at: which sources, which messages of their feeds, and their snapshots."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cargo_ctl.web.upstream import Told
from cargo_sync.api import topics
from cargo_sync.api.client import CommandError
from cargo_sync.api.messages import JsonObject, ReplyCode

Call = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Asks a source: a command and its arguments -> its result."""


class ViewKind(StrEnum):
    """The pictures that a page may show."""

    JOBS = "jobs"
    JOB = "job"
    SERVERS = "servers"
    SERVER = "server"
    TRANSFERS = "transfers"


_OF_DAEMONS: Final = (ViewKind.JOBS, ViewKind.JOB)
_OF_SERVERS: Final = (ViewKind.SERVERS, ViewKind.SERVER)


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

    def is_about(self, kind: str) -> bool:
        """Whether it shows anything of daemons, or of servers."""
        return self.kind not in (_OF_DAEMONS if kind == "server" else _OF_SERVERS)

    def shows(self, told: Told, kind: str) -> bool:
        """Whether a message of a source of this kind belongs to it."""
        group = told.topic.partition("/")[0] + "/"
        if not self.is_about(kind):
            return False
        match self.kind:
            case ViewKind.JOBS:
                return group in (topics.STATUS, topics.PROGRESS, topics.JOBS, topics.NOTICES)
            case ViewKind.JOB if group in (topics.JOBS, topics.NOTICES):
                return topics.name_of(told.topic) == self.job
            case ViewKind.JOB:
                return group == topics.TRANSFERS and told.fields.get("job") == self.job
            case ViewKind.SERVERS:
                return group in (topics.STATUS, topics.PROGRESS)
            case ViewKind.SERVER:
                return group in topics.SERVER
            case ViewKind.TRANSFERS:
                return group in (topics.TRANSFERS, topics.FLOWS)

    async def snapshot(self, kind: str, call: Call) -> JsonObject:
        """What is to be shown of a source of this kind now, without what all views have.

        Raises:
            CommandError, NotRunning, NotAdmitted, AddressError: from `call`.
        """
        if not self.is_about(kind):
            return {}
        if kind == "server":
            return await _of_server(self.kind, call)
        match self.kind:
            case ViewKind.JOBS:
                listed, status = await _each(call, "job.list", "status")
                return {"jobs": _rows(listed, "jobs"), "progress": status.get("totals")}
            case ViewKind.JOB:
                shown = await call("job.show", {"job": self.job})
                rows = _rows(await call("transfer.list", {}), "transfers")
                return {
                    "job": shown,
                    "transfers": [row for row in rows if row.get("job") == self.job],
                }
            case _:
                return await call("transfer.list", {})


async def _of_server(view: ViewKind, call: Call) -> JsonObject:
    match view:
        case ViewKind.SERVERS:
            return {"status": await call("status", {})}
        case ViewKind.TRANSFERS:
            return {"flows": _rows(await call("flow.list", {}), "flows")}
        case _:
            status, flows, users, workspaces, bandwidth, nodes = await _each(
                _or_nothing(call),
                "status",
                "flow.list",
                "user.list",
                "workspace.list",
                "bandwidth.show",
                "node.list",
            )
            return {
                "status": status,
                "flows": _rows(flows, "flows"),
                "users": _rows(users, "users"),
                "workspaces": _rows(workspaces, "workspaces"),
                "bandwidth": _rows(bandwidth, "bandwidth"),
                "nodes": _rows(nodes, "nodes"),
                "missing": nodes.get("missing"),
                "repair": nodes.get("repair"),
            }


def _rows(result: JsonObject, name: str) -> list[Mapping[str, object]]:
    rows = result.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _or_nothing(call: Call) -> Call:
    """The same, but a command that is not known gives {}: another version may not have it."""

    async def known(command: str, args: JsonObject) -> JsonObject:
        try:
            return await call(command, args)
        except CommandError as error:
            if error.code != ReplyCode.UNKNOWN_COMMAND:
                raise
            return {}

    return known


async def _each(call: Call, *commands: str) -> list[JsonObject]:
    """The results; all are asked for at once, since a daemon that is busy lets each one wait."""
    return await asyncio.gather(*(call(command, {}) for command in commands))
