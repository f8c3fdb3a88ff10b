"""What waits for one browser: a machine without time of its own or I/O.

For each source a browser first gets a snapshot, then what was told since the snapshot was asked
for. Messages that replace each other wait as one, and go out at most 4 times a second. If a browser
reads too slowly, what waits of a source is dropped, and it gets a new snapshot.

    UNKNOWN -- up --> SNAPSHOT (asked for; messages are kept) -- snapshot --> LIVE
    LIVE -- too much waits, or states were lost --> SNAPSHOT
    all  -- away --> AWAY -- up --> SNAPSHOT
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from cargo_ctl.web.source import Presence
from cargo_ctl.web.upstream import Cursor, Told
from cargo_sync.api.messages import JsonObject, encode

MOST_EVENTS: Final = 500
MOST_BYTES: Final = 1024 * 1024
"""Of one source, waiting for one browser."""
PROGRESS_EVERY: Final = 0.25


class _Stage(Enum):
    UNKNOWN = auto()
    SNAPSHOT = auto()
    LIVE = auto()
    AWAY = auto()


class _Part:
    """What waits of one source."""

    def __init__(self) -> None:
        self.stage = _Stage.UNKNOWN
        self.turn = 0
        """Counts the snapshots that were asked for."""
        self.shown = False
        """Whether the browser got anything about this source."""
        self.first: deque[bytes] = deque()
        """What goes out before the events: the source's state, a reset, a snapshot."""
        self.events: deque[tuple[bytes, Cursor | None]] = deque()
        self.bytes = 0
        self.progress: dict[str, bytes] = {}
        self.cursor: Cursor | None = None
        """Of the last row that went out, or that the snapshot had."""

    def drop(self) -> None:
        self.events.clear()
        self.progress.clear()
        self.bytes = 0


class WantedSnapshot(NamedTuple):
    """A snapshot that is asked for.

    turn    its number
    cursor  of the last row before those that wait until it comes
    """

    turn: int
    cursor: Cursor | None


class Viewer:
    """What one browser is still to get.

    wake  called when something has come

    wanted  sources whose snapshot must be asked for; who does it takes the name out
    """

    def __init__(self, sources: Iterable[str], wake: Callable[[], None] = lambda: None) -> None:
        self._wake = wake
        self._parts = {source: _Part() for source in sources}
        self._progress_at = float("-inf")
        self.wanted: set[str] = set()

    # -- what happens at a source ------------------------------------------------------------------

    def asked(self, source: str) -> "WantedSnapshot":
        """The snapshot that it waits for now; to be read before the snapshot is asked for."""
        part = self._parts[source]
        return WantedSnapshot(part.turn, part.cursor)

    def again(self, source: str, asked: "WantedSnapshot") -> None:
        """This snapshot did not come, though the source is there: it must be asked for again."""
        part = self._parts[source]
        if part.stage is _Stage.SNAPSHOT and part.turn == asked.turn:
            self.wanted.add(source)
            self._wake()

    def up(self, source: str, presence: Presence, cursor: Cursor | None) -> None:
        """It is there. `cursor`: what comes from now on is after it."""
        part = self._parts[source]
        if part.stage is _Stage.AWAY and part.shown:
            part.first.append(_state(source, presence))
        self._ask(source, part)
        part.cursor = cursor

    def away(self, source: str, presence: Presence) -> None:
        """It is not there, or still not."""
        part = self._parts[source]
        if part.stage is _Stage.AWAY:
            return
        part.drop()
        self.wanted.discard(source)
        if part.shown:
            part.first.append(_state(source, presence))
        else:
            part.first.append(event("snapshot", snapshot_data(source, presence, {})))
        part.shown = True
        part.stage = _Stage.AWAY
        self._wake()

    def told(self, source: str, told: Told) -> None:
        """A message of its feed that belongs to the view."""
        part = self._parts[source]
        if part.stage not in (_Stage.SNAPSHOT, _Stage.LIVE):
            return
        if told.passing:
            part.progress[told.topic] = told.data
            self._wake()
            return
        part.events.append((event("event", _with_source(source, told.data)), told.cursor))
        part.bytes += len(told.data)
        if len(part.events) > MOST_EVENTS or part.bytes > MOST_BYTES:
            part.cursor = told.cursor or part.cursor
            self.lost(source, states=True, rows=True)
        self._wake()

    def lost(self, source: str, *, states: bool, rows: bool) -> None:
        """Messages were lost: of states, or rows that nobody gives again."""
        part = self._parts[source]
        if part.stage not in (_Stage.SNAPSHOT, _Stage.LIVE):
            return
        reset = event("reset", encode({"source": source}))
        if rows and reset not in part.first:
            part.first.append(reset)
        if states:
            self._ask(source, part)
        self._wake()

    def snapshot(
        self, source: str, asked: "WantedSnapshot", data: bytes, missed: Iterable[Told] | None = ()
    ) -> bool:
        """Its snapshot has come, and the rows that the browser missed; None if they are lost.

        Returns:
            Whether they go out.
        """
        part = self._parts[source]
        if part.stage is not _Stage.SNAPSHOT or part.turn != asked.turn:
            return False  # it went away, or states were lost after this one was asked for
        part.stage = _Stage.LIVE
        part.shown = True
        part.first.append(event("snapshot", data))
        if missed is None:
            part.first.append(event("reset", encode({"source": source})))
        for one in missed or ():
            part.first.append(event("event", _with_source(source, one.data)))
        self._wake()
        return True

    def _ask(self, source: str, part: _Part) -> None:
        part.drop()
        part.stage = _Stage.SNAPSHOT
        part.turn += 1
        self.wanted.add(source)
        self._wake()

    # -- what goes out -----------------------------------------------------------------------------

    def due(self, now: float) -> float | None:
        """Seconds until something can go out; None if nothing waits."""
        if any(part.first or self._ready(part) for part in self._parts.values()):
            return 0.0
        if any(part.progress and part.stage is _Stage.LIVE for part in self._parts.values()):
            return max(0.0, self._progress_at + PROGRESS_EVERY - now)
        return None

    def take(self, now: float) -> bytes:
        """Everything that can go out now, as server-sent events; nothing waits after it."""
        chunks: list[bytes] = []
        progress = now >= self._progress_at + PROGRESS_EVERY
        for source, part in self._parts.items():
            first = list(part.first)
            part.first.clear()
            moved = bool(first) and part.stage is _Stage.LIVE
            chunks += first
            if part.stage is not _Stage.LIVE:
                continue
            while part.events:
                data, cursor = part.events.popleft()
                part.cursor = cursor or part.cursor
                moved |= cursor is not None
                chunks.append(data)
            part.bytes = 0
            if moved and part.cursor is not None:
                # Its event ends with an empty line; the id belongs to the event before that line.
                chunks[-1] = chunks[-1][:-1] + b"id: " + self.id.encode() + b"\n\n"
            if progress and part.progress:
                chunks.append(event("progress", _items(source, part.progress.values())))
                part.progress.clear()
                self._progress_at = now
        return b"".join(chunks)

    @property
    def id(self) -> str:
        """How far the browser has got: for `Last-Event-ID`."""
        return ",".join(
            f"{quote(source, safe='')}={quote(part.cursor.epoch, safe='')}.{part.cursor.row}"
            for source, part in self._parts.items()
            if part.cursor is not None
        )

    @staticmethod
    def _ready(part: _Part) -> bool:
        return part.stage is _Stage.LIVE and bool(part.events)


def cursors(id: str) -> Mapping[str, Cursor]:
    """The cursors in a `Last-Event-ID`, by source; what cannot be read is left out."""
    found = {}
    for each in id.split(","):
        source, is_one, rest = each.partition("=")
        epoch, _, row = rest.rpartition(".")
        if is_one and row.isascii() and row.isdecimal() and len(row) < 19:
            found[unquote(source)] = Cursor(unquote(epoch), int(row))
    return found


def event(name: str, data: bytes) -> bytes:
    """A server-sent event. `data` is JSON, which has no line breaks."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def snapshot_data(source: str, presence: Presence, fields: JsonObject) -> bytes:
    """The data of a snapshot."""
    return encode({**_head(source, presence), "kind": presence.kind, **fields})


def _state(source: str, presence: Presence) -> bytes:
    return event("source", encode(_head(source, presence)))


def _head(source: str, presence: Presence) -> dict[str, object]:
    state = "up" if presence.up else "away"
    return {"source": source, "state": state, "detail": presence.detail}


def _with_source(source: str, data: bytes) -> bytes:
    return b'{"source":' + encode(source) + b"," + data[1:]


def _items(source: str, items: Iterable[bytes]) -> bytes:
    return b'{"source":' + encode(source) + b',"items":[' + b",".join(items) + b"]}"
