"""What a daemon's feed has reported so far, and each message as a line."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.progress import moving, progress
from cargo_ctl.render.words import clock, count, escaped, size
from cargo_sync.api.messages import FeedMessage
from cargo_sync.api.topics import PROGRESS, STATUS, name_of

_SILENT = 5.0
"""Seconds without a message after which a transfer counts as ended: there is one per second."""
_NOTICES = 6
_LISTED = 3
_REMOVED = "removed"
FIRST = "waiting for messages"


class Board:
    """The latest state of everything that the feed reported.

    waiting        what to say before the first message
    state, totals  of the daemon as a whole, as in `status`
    jobs           by name: state, detail and progress, as in `job.list`
    transfers      by id, as in `transfer.list`
    notices        the last few, as lines with their time, oldest first
    """

    def __init__(self, waiting: str = FIRST) -> None:
        self.waiting = waiting
        self.state: Mapping[str, Any] = {}
        self.totals: Mapping[str, Any] = {}
        self.jobs: dict[str, Mapping[str, Any]] = {}
        self.transfers: dict[str, Mapping[str, Any]] = {}
        self.notices: deque[str] = deque(maxlen=_NOTICES)
        self._heard: dict[str, float] = {}
        self._printed: dict[str, str] = {}

    def take(self, message: FeedMessage) -> str | None:
        """Keep what `message` reports; its line, or None if it has nothing new for a person."""
        fields, name = message.fields, name_of(message.topic)
        self._drop_silent(message.time)
        if message.topic == STATUS:
            self.state = fields
        elif message.topic == PROGRESS:
            self.totals = fields
        elif message.type == "transfer":
            self._take_transfer(name, message)
        elif message.type == "notice":
            if not message.replay:  # a replayed notice is old
                self._drop_moved(name, fields)
                self.notices.append(f"{clock(message.time)} {notice(name, fields)}")
                return self.notices[-1]
        elif message.type == "status":
            if fields.get("state") == _REMOVED:
                self.jobs.pop(name, None)
            else:
                self.jobs[name] = {**self.jobs.get(name, {}), **fields}
            return self._once(message.topic, job_state(name, fields))
        elif message.type == "progress":
            self.jobs[name] = {**self.jobs.get(name, {}), "progress": fields}
            if moving(fields):
                return self._once(message.topic, f"{escaped(name)}: {progress(fields)}")
        return None

    @property
    def counts_down(self) -> bool:
        """Whether a job waits for its next try or its window."""
        return any(
            job.get("state") in ("error", "waiting") and job.get("next_at")
            for job in self.jobs.values()
        )

    def _once(self, topic: str, line: str) -> str | None:
        if self._printed.get(topic) == line:
            return None
        self._printed[topic] = line
        return line

    def _take_transfer(self, id: str, message: FeedMessage) -> None:
        if message.fields.get("done", 0) >= message.fields.get("size", 0):
            self.transfers.pop(id, None)
            self._heard.pop(id, None)
            return
        self.transfers[id] = message.fields
        self._heard[id] = message.time

    def _drop_moved(self, job: str, fields: Mapping[str, Any]) -> None:
        """Files of a notice do not move any more, whatever was heard of them last."""
        paths = fields.get("paths") or []
        for id, one in list(self.transfers.items()):
            if one.get("job") == job and one.get("path") in paths:
                del self._heard[id], self.transfers[id]

    def _drop_silent(self, now: float) -> None:
        for id in [id for id, heard in self._heard.items() if now - heard > _SILENT]:
            del self._heard[id], self.transfers[id]


def job_state(name: str, fields: Mapping[str, Any]) -> str:
    """`nightly: error, 2 files could not be read`."""
    detail = escaped(fields.get("detail") or "")
    return f"{escaped(name)}: {escaped(fields.get('state', ''))}" + (
        f", {detail}" if detail else ""
    )


def notice(name: str, fields: Mapping[str, Any]) -> str:
    """`nightly: uploaded 500 files (20.0 MB): a.txt, b.txt, c.txt, …`."""
    paths = fields.get("paths") or []
    number = (
        int(fields.get("count") or 0) if paths else 0
    )  # without a path the notice is about the whole job
    whose = f"{escaped(name)}: " if name else ""  # without a name it is the daemon's own
    text = whose + escaped(fields.get("kind", ""))
    if number:
        text += f" {count(number, 'file')}"
    if fields.get("bytes"):
        text += f" ({size(fields['bytes'])})"
    if paths:
        more = ", …" if number > _LISTED else ""
        text += ": " + ", ".join(escaped(path) for path in paths[:_LISTED]) + more
    if fields.get("message"):
        text += f": {escaped(fields['message'])}"
    return text
