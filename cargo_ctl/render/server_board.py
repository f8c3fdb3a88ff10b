"""What a server's feed has reported so far, and each message as a line."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.board import FIRST
from cargo_ctl.render.board import notice as of_files
from cargo_ctl.render.flows import place
from cargo_ctl.render.nodes import repair
from cargo_ctl.render.servers import served
from cargo_ctl.render.words import clock, escaped, size
from cargo_sync.api.messages import FeedMessage
from cargo_sync.api.topics import PROGRESS, STATUS, name_of

_SILENT = 5.0
"""Seconds without a message after which a flow counts as ended: there is one per second."""
_NOTICES = 6
_BECAME: Mapping[str, str] = {
    "added": "was added",
    "changed": "was changed",
    "password": "has a new password",
    "enabled": "was enabled",
    "disabled": "was disabled",
    "removed": "was removed",
    "expired": "has expired",
    "expires_soon": "expires soon",
}


class ServerBoard:
    """The latest state of everything that the feed reported.

    waiting  what to say before the first message
    status   users, workspaces and flows, as counts
    totals   speeds of all uploads and of all downloads
    flows    by id, as in `flow.list`
    nodes    by name, as in `node.list`
    repair   what is missing on them, and how the repair gets on
    notices  the last few, as lines with their time, oldest first
    """

    counts_down = False

    def __init__(self, waiting: str = FIRST) -> None:
        self.waiting = waiting
        self.status: Mapping[str, Any] = {}
        self.totals: Mapping[str, Any] = {}
        self.flows: dict[str, Mapping[str, Any]] = {}
        self.nodes: dict[str, Mapping[str, Any]] = {}
        self.repair: Mapping[str, Any] = {}
        self.notices: deque[str] = deque(maxlen=_NOTICES)
        self._heard: dict[str, float] = {}
        self._served = ""

    def take(self, message: FeedMessage) -> str | None:
        """Keep what `message` reports; its line, or None if it has nothing new for a person."""
        fields = message.fields
        self._drop_silent(message.time)
        if message.topic == STATUS:
            self.status = fields
            return self._served_now(served(fields))
        if message.topic == PROGRESS:
            self.totals = fields
        elif message.type == "flow":
            return self._take_flow(name_of(message.topic), message)
        elif message.type == "node":
            return self._take_node(name_of(message.topic), fields)
        elif message.type == "repair":
            return self._take_repair(fields)
        elif message.type == "notice" and not message.replay:  # a replayed one is old
            self.notices.append(f"{clock(message.time)} {notice(fields)}")
            return self.notices[-1]
        return None

    def _served_now(self, text: str) -> str | None:
        if text == self._served:
            return None  # only the number of flows changed; each flow has a line of its own
        self._served = text
        return f"serving {text}"

    def _take_flow(self, id: str, message: FeedMessage) -> str | None:
        fields = message.fields
        known = id in self.flows
        if fields.get("ended"):
            self.flows.pop(id, None)
            self._heard.pop(id, None)
            return f"{flow(fields)} ended after {size(fields.get('bytes') or 0)}"
        self.flows[id] = fields
        self._heard[id] = message.time
        return None if known else f"{flow(fields)} started"

    def _take_node(self, name: str, fields: Mapping[str, Any]) -> str | None:
        before = self.nodes.pop(name, {})
        if fields.get("state") != "removed":
            self.nodes[name] = fields
        if before.get("state") == fields.get("state"):
            return None
        return f"storage node {escaped(name)}: {escaped(fields.get('state', ''))}"

    def _take_repair(self, fields: Mapping[str, Any]) -> str | None:
        before, self.repair = _missing(self.repair), fields
        if bool(before) == bool(_missing(fields)):
            return None
        return f"repair: {repair(fields)}" if _missing(fields) else "repair: no copy is missing now"

    def _drop_silent(self, now: float) -> None:
        for id in [id for id, heard in self._heard.items() if now - heard > _SILENT]:
            del self._heard[id], self.flows[id]


def _missing(fields: Mapping[str, Any]) -> int:
    return (fields.get("missing") or {}).get("copies") or 0


def flow(fields: Mapping[str, Any]) -> str:
    """`ana: upload into music/in`."""
    way = escaped(fields.get("direction", ""))
    preposition = "from" if way == "download" else "into"
    return f"{escaped(fields.get('user', ''))}: {way} {preposition} {place(fields)}"


def notice(fields: Mapping[str, Any]) -> str:
    """`ana was disabled`, `music: uploaded 2 files: a, b, by ana`, or a sentence of its own."""
    if fields.get("message"):
        return escaped(fields["message"])
    if fields.get("workspace"):
        line = of_files(str(fields["workspace"]), fields)
        return f"{line}, by {escaped(fields['user'])}" if fields.get("user") else line
    kind = str(fields.get("kind", ""))
    return f"{escaped(fields.get('user', ''))} {_BECAME.get(kind) or escaped(kind)}"
