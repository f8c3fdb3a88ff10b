"""Events: rows that are added in the transaction that made them true, and read by cursor."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from cargo_sync.model.events import Event, EventDetails, Happened, MovedFiles
from cargo_sync.model.path_pattern import ANY_PATH, PathPattern
from cargo_sync.state.bulk import Insert, InsertColumns
from cargo_sync.state.database import Database, Statements

_APPEND: Final = Insert(
    "INSERT INTO event (job, happened, time, path, size, details, tell) VALUES",
    "(?, ?, ?, ?, ?, ?, ?)",
)

_APPEND_MOVED: Final = InsertColumns(
    "event (job, happened, time, tell, path, size, details)",
    "?, ?, ?, ?, column1, column2, column3",
    columns=3,
)

_SINCE = """
SELECT cursor, job, happened, time, path, size, details, tell FROM event
WHERE cursor > ? ORDER BY cursor LIMIT ?
"""

_SINCE_OF_JOB = """
SELECT cursor, job, happened, time, path, size, details, tell FROM event
WHERE job = ? AND cursor > ? ORDER BY cursor LIMIT ?
"""

_LAST = """
SELECT cursor, job, happened, time, path, size, details, tell FROM event
ORDER BY cursor DESC LIMIT ?
"""

_LAST_OF_JOB = """
SELECT cursor, job, happened, time, path, size, details, tell FROM event
WHERE job = ? ORDER BY cursor DESC LIMIT ?
"""

_BEFORE = """
SELECT cursor, job, happened, time, path, size, details, tell FROM event
WHERE job = ?1 AND cursor < ?2 AND (?3 IS NULL OR happened = ?3)
AND (?4 IS NULL OR time >= ?4) AND (?5 IS NULL OR time < ?5) ORDER BY cursor DESC
"""
LOOKED_THROUGH: Final = 20_000
"""Rows whose paths are compared with a pattern for one page, at most."""


_BROUGHT = """
SELECT cursor, time, path, coalesce(details ->> '$.hash', '') FROM event
WHERE job = ? AND cursor > ? AND happened = ? ORDER BY cursor LIMIT ?
"""

_DETAILS: Final = EventDetails._fields
_PATH: Final = 4
"""The column of the path."""


class EventRow(NamedTuple):
    """One event and its cursor; cursors grow and are never used twice."""

    cursor: int
    event: Event


class EventFilter(NamedTuple):
    """Which events of a job are wanted.

    happened    only of this kind; None for all
    pattern     only of these paths
    start, end  unix seconds: only from then on, and before then; None for no limit
    """

    happened: Happened | None = None
    pattern: PathPattern = ANY_PATH
    start: float | None = None
    end: float | None = None


ANY_EVENT: Final = EventFilter()


class EventPage(NamedTuple):
    """Events, newest first. `next`: the next page begins before this cursor; None after the last.

    A page may have fewer rows than were asked for, or none, and another one after it.
    """

    rows: list[EventRow]
    next: int | None


class BroughtFile(NamedTuple):
    """A file that was uploaded or downloaded, and when; `hash` is "" if it is not known."""

    cursor: int
    time: float
    path: str
    hash: str


class Events:
    """The events of a daemon or a server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, events: Sequence[Event]) -> int:
        """Writes events in their order; returns the cursor of the newest event, 0 for none."""
        with self._database.transaction() as connection:
            _APPEND(connection, _rows(events))
            return self._newest()

    def append_moved(self, files: MovedFiles) -> int:
        """Writes the events of files that moved; returns the cursor of the newest event."""
        with self._database.transaction() as connection:
            same = (files.job, str(files.happened), files.time, files.tell or None)
            _APPEND_MOVED(connection, same, (files.paths, files.sizes, _moved_texts(files)))
            return self._newest()

    def newest(self) -> int:
        """The cursor of the newest event that was ever written, 0 when there was none."""
        with self._database.read():
            return self._newest()

    def since(self, cursor: int, limit: int, job: str | None = None) -> list[EventRow]:
        """Up to `limit` events after `cursor`, oldest first; of one job, or of all."""
        with self._database.read() as connection:
            found = (
                connection.execute(_SINCE, (cursor, limit))
                if job is None
                else connection.execute(_SINCE_OF_JOB, (job, cursor, limit))
            )
            return [row_of(columns) for columns in found]

    def before(
        self, job: str, cursor: int, limit: int, wanted: EventFilter = ANY_EVENT
    ) -> EventPage:
        """Up to `limit` events of a job before `cursor`, newest first."""
        rows: list[EventRow] = []
        looked, asked = 0, (job, cursor, wanted.happened, wanted.start, wanted.end)
        with self._database.read(long=True) as connection:
            for columns in connection.execute(_BEFORE, asked):
                looked += 1
                if wanted.pattern.matches(columns[_PATH]):
                    rows.append(row_of(columns))
                if len(rows) == limit or looked == LOOKED_THROUGH:
                    return EventPage(rows, columns[0])
        return EventPage(rows, None)

    def brought(self, job: str, happened: Happened, cursor: int, limit: int) -> list[BroughtFile]:
        """Up to `limit` files that a job uploaded, or downloaded, after `cursor`, oldest first."""
        with self._database.read() as connection:
            found = connection.execute(_BROUGHT, (job, cursor, happened.value, limit))
            return list(map(BroughtFile._make, found))

    def last(self, limit: int, job: str | None = None) -> list[EventRow]:
        """The newest `limit` events, oldest first; of one job, or of all."""
        with self._database.read() as connection:
            found = (
                connection.execute(_LAST, (limit,))
                if job is None
                else connection.execute(_LAST_OF_JOB, (job, limit))
            )
            return [row_of(columns) for columns in found][::-1]

    def bounds(self) -> tuple[int, int]:
        """The oldest cursor that is kept, and the newest that was ever written.

        When none is kept, the oldest is the next one to come.
        """
        with self._database.read() as connection:
            newest = self._newest()
            oldest = connection.execute("SELECT min(cursor) FROM event").fetchone()[0]
        return newest + 1 if oldest is None else int(oldest), newest

    def mark(self, now: float) -> None:
        """Notes that all events up to the newest one are there at `now`, by the retention clock.

        An event's own time is the wall clock's, which may jump; its age is that of the first mark
        after it.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO event_mark VALUES (?, ?) ON CONFLICT DO NOTHING", (self._newest(), now)
            )

    def reached(self, at: float) -> int:
        """The newest cursor that was marked at `at` (retention clock) or earlier; 0 for none."""
        with self._database.read() as connection:
            return _reached(connection, at)

    def happened_after(self, happened: Happened, job: str, cursor: int) -> bool:
        """Whether there is such an event of a job ("": of none) after `cursor`."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT 1 FROM event WHERE job = ? AND cursor > ? AND happened = ? LIMIT 1",
                (job, cursor, happened.value),
            ).fetchone()
        return row is not None

    def thin(self, before: float) -> None:
        """Keeps one mark an hour of those before `before` (retention clock)."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM event_mark WHERE time < ?1 AND cursor NOT IN ("
                "SELECT min(cursor) FROM event_mark WHERE time < ?1 "
                "GROUP BY CAST(time / 3600 AS INTEGER))",
                (before,),
            )

    def prune(self, before: float, keep: int = 1_000_000, most: int = 5_000) -> int:
        """Deletes events that were marked before `before`, and all but the newest `keep`.

        Args:
            before: reading of the retention clock.
            keep: number of events.
            most: deleted per call; call it until it returns 0.

        Returns:
            How many were deleted.
        """
        with self._database.transaction() as connection:
            gone = max(_reached(connection, before), self._newest() - keep)
            connection.execute("DELETE FROM event_mark WHERE cursor < ?", (gone,))
            return connection.execute(
                "DELETE FROM event WHERE cursor IN "
                "(SELECT cursor FROM event WHERE cursor <= ? ORDER BY cursor LIMIT ?)",
                (gone, most),
            ).rowcount

    def _newest(self) -> int:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = 'event'"
            ).fetchone()
        return int(row[0]) if row else 0


def _reached(connection: Statements, at: float) -> int:
    row = connection.execute("SELECT max(cursor) FROM event_mark WHERE time <= ?", (at,)).fetchone()
    return int(row[0] or 0)


def _rows(events: Sequence[Event]) -> list[tuple[object, ...]]:
    if not events:
        return []
    jobs, happened, times, files, sizes, details, tells = zip(*events, strict=True)
    words = map(str.__str__, happened)  # to bind a value of an enum takes 0.4 µs more
    told = [tell or None for tell in tells]
    return list(zip(jobs, words, times, files, sizes, map(_text, details), told, strict=True))


def _moved_texts(files: MovedFiles) -> list[str]:
    """The details of files that moved, as `_text` writes them."""
    raw = "".join([*files.transfers, *files.hashes]).encode(errors="surrogatepass")
    if files.moved or not raw.isalnum():  # of bytes, only these of ASCII
        return list(map(_text, files.details()))
    link = EventDetails(seconds=files.seconds, lost=files.lost, rtt_ms=files.rtt_ms)
    rest = "," + _text(link)[1:]
    return [
        f'{{"transfer":"{transfer}","hash":"{content}"{rest}'
        for transfer, content in zip(files.transfers, files.hashes, strict=True)
    ]


def _text(details: EventDetails) -> str:
    """As `as_json`, but as text."""
    return orjson.dumps(as_json(details)).decode()


def row_of(columns: tuple[Any, ...]) -> EventRow:
    """The row of these columns: cursor, job, happened, time, path, size, details, tell."""
    cursor, job, happened, time, path, size, details, tell = columns
    return EventRow(
        cursor, Event(job, Happened(happened), time, path, size, _details(details), tell or "")
    )


def as_json(details: EventDetails) -> dict[str, Any]:
    """The known details, as JSON values by name."""
    return {name: value for name, value in zip(_DETAILS, details, strict=True) if value is not None}


def _details(text: str) -> EventDetails:
    """Details written by any version; those that we do not know are ignored."""
    stored = orjson.loads(text)
    return EventDetails(**{name: stored[name] for name in _DETAILS if name in stored})
