"""The outbox: callbacks that wait, as rows made from the events that asked for them.

Events are read by a cursor. The rows made from them are written together with the cursor, so each
event makes its row exactly once, even after a crash. Of a stream (a transfer) only the first
waiting row is ever due. This keeps the order for two or three index lookups per row, and the rows
that wait behind cost nothing.

When a row is due and when it is too old follows the retention clock, which never jumps.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import orjson

from cargo_sync.state.bulk import Insert
from cargo_sync.state.database import Database, Statements
from cargo_sync.state.events import EventRow, row_of
from cargo_sync.webhooks.variables import Variables

_READER: Final = "callbacks"
LONGEST: Final = 2 * 86400.0
"""Seconds by the retention clock; no callback is ever put off for so long."""

_TOLD = """
SELECT cursor, job, happened, time, path, size, details, tell FROM event INDEXED BY event_tell
WHERE tell IS NOT NULL AND cursor > (SELECT cursor FROM reader WHERE name = ?)
ORDER BY cursor LIMIT ?
"""

_UNREAD: Final = """
SELECT 1 FROM event INDEXED BY event_tell
WHERE tell IS NOT NULL AND cursor > (SELECT cursor FROM reader WHERE name = ?) AND job = ? LIMIT 1
"""

_PUT: Final = Insert(
    "INSERT INTO delivery (id, job, moment, stream, variables, created, since) VALUES",
    "(?, ?, ?, ?, ?, ?, ?)",
)

_LET_FIRST = """
UPDATE delivery SET next_at = since WHERE number > ? AND NOT EXISTS (
    SELECT 1 FROM delivery AS before
    WHERE before.job = delivery.job AND before.stream = delivery.stream
    AND before.state = 'pending' AND before.number < delivery.number)
"""

# A person may have revived an earlier row of the stream meanwhile: then that one is due first.
_AGAIN = """
UPDATE delivery SET attempts = attempts + 1, error = ?, next_at = CASE WHEN NOT EXISTS (
    SELECT 1 FROM delivery AS before
    WHERE before.job = delivery.job AND before.stream = delivery.stream
    AND before.state = 'pending' AND before.number < delivery.number) THEN ? END
WHERE number = ? AND state = 'pending'
"""

_DEAD = """
UPDATE delivery SET attempts = attempts + 1, error = ?, next_at = NULL, state = 'dead', ended = ?
WHERE number = ? AND state = 'pending'
"""

# One step from each (job, moment) to the next, however many rows are between them.
_GROUPS = """
WITH RECURSIVE groups (job, moment) AS (
    SELECT * FROM (SELECT job, moment FROM delivery WHERE next_at IS NOT NULL
                   ORDER BY job, moment LIMIT 1) AS earliest
    UNION ALL
    SELECT following.job, following.moment FROM groups JOIN delivery AS following
    ON following.number = coalesce(
        (SELECT number FROM delivery
         WHERE next_at IS NOT NULL AND job = groups.job AND moment > groups.moment
         ORDER BY moment LIMIT 1),
        (SELECT number FROM delivery WHERE next_at IS NOT NULL AND job > groups.job
         ORDER BY job, moment LIMIT 1))
)
SELECT job, moment, (SELECT min(next_at) FROM delivery
    WHERE delivery.job = groups.job AND delivery.moment = groups.moment AND next_at IS NOT NULL)
FROM groups
"""

_SHOWN = (
    "SELECT number, id, job, moment, stream, variables, created, since, state, attempts, next_at, "
    "error"
)


class Waiting(NamedTuple):
    """One callback that is not delivered.

    number     of the row; numbers grow
    id         sent with every attempt
    moment     onFinish, …
    stream     within the job; callbacks of a stream are delivered one after the other
    variables  by name
    created    unix seconds, for people
    since      start of the days that it is tried for, by the retention clock
    state      pending or dead
    next_at    when it is due, by the retention clock; None when it is dead or waits behind another
               one
    error      of the last attempt, or ""
    """

    number: int
    id: str
    job: str
    moment: str
    stream: str
    variables: Variables
    created: float
    since: float
    state: str = "pending"
    attempts: int = 0
    next_at: float | None = None
    error: str = ""


class New(NamedTuple):
    """A callback to deliver; fields as in `Waiting`."""

    id: str
    job: str
    moment: str
    stream: str
    variables: Variables
    created: float
    since: float


class Group(NamedTuple):
    """The callbacks of one job for one moment, and when the first of them is due."""

    job: str
    moment: str
    next_at: float


class Retry(NamedTuple):
    """A callback to send again at `next_at`, by the retention clock."""

    number: int
    next_at: float
    error: str


class GivenUp(NamedTuple):
    """A callback that is not sent again, and why."""

    number: int
    error: str


class Outbox:
    """The waiting callbacks of a daemon or a server. Every method is one transaction.

    A daemon's come from events; `unread` and `waits` read these. A server's come from its history.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- from events -------------------------------------------------------------------------------

    def unread(self, limit: int) -> list[EventRow]:
        """The next events that asked for a callback and are not read yet, oldest first."""
        with self._database.read() as connection:
            return [row_of(columns) for columns in connection.execute(_TOLD, (_READER, limit))]

    def add(self, new: Sequence[New], cursor: int, after: int | None = None) -> bool:
        """Adds the callbacks of the events up to `cursor`, and marks these events as read.

        Args:
            new: the callbacks.
            cursor: of the last event.
            after: where these events begin; None: nobody else reads them.

        Returns:
            False, and nothing is added, if another server has read them meanwhile.
        """
        with self._database.transaction() as connection:
            done = connection.execute(
                "UPDATE reader SET cursor = ?1 WHERE name = ?2 AND cursor = coalesce(?3, cursor)",
                (cursor, _READER, after),
            )
            if after is not None and not done.rowcount:
                return False
            _add(connection, new)
            return True

    def put(self, new: Sequence[New]) -> None:
        """Adds callbacks that come from no row that is read."""
        with self._database.transaction() as connection:
            _add(connection, new)

    def begin(self, cursor: int) -> None:
        """Reading begins after `cursor`, unless it has begun already."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO reader VALUES (?, ?) ON CONFLICT DO NOTHING", (_READER, cursor)
            )

    def reached(self) -> int | None:
        """The cursor up to which rows were read; None while nothing is read."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT cursor FROM reader WHERE name = ?", (_READER,)
            ).fetchone()
        return None if row is None else int(row[0])

    def end(self) -> None:
        """Nothing is read any more; what waits is still sent."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM reader WHERE name = ?", (_READER,))

    def waits(self, job: str, streams: Sequence[str]) -> set[str]:
        """Those of `streams` with something that waits: a row, or an event that is not read yet."""
        with self._database.read() as connection:
            if connection.execute(_UNREAD, (_READER, job)).fetchone() is not None:
                return set(streams)
            return {
                stream
                for stream in streams
                if connection.execute(
                    "SELECT 1 FROM delivery WHERE job = ? AND stream = ? AND state = 'pending' "
                    "LIMIT 1",
                    (job, stream),
                ).fetchone()
            }

    # -- for the dispatcher ------------------------------------------------------------------------

    def groups(self) -> list[Group]:
        """When the first callback is due, for each job and moment with waiting callbacks."""
        with self._database.read() as connection:
            return [Group._make(row) for row in connection.execute(_GROUPS)]

    def due(self, job: str, moment: str, now: float, limit: int) -> list[Waiting]:
        """The first callbacks that are due, those that are due longest first."""
        with self._database.read() as connection:
            return list(
                _waiting(
                    connection,
                    f"{_SHOWN} FROM delivery WHERE job = ? AND moment = ? AND next_at <= ? "
                    "ORDER BY next_at, number LIMIT ?",
                    (job, moment, now, limit),
                )
            )

    def settle(
        self, delivered: Sequence[int], again: Sequence[Retry], dead: Sequence[GivenUp], now: float
    ) -> None:
        """Stores results of attempts. The next row behind a delivered or dead one becomes due."""
        with self._database.transaction() as connection:
            streams: dict[tuple[str, str], None] = {}
            for number in (*delivered, *(one.number for one in dead)):
                row = connection.execute(
                    "SELECT job, stream FROM delivery WHERE number = ?", (number,)
                )
                streams.update(dict.fromkeys(row))
            for number in delivered:
                connection.execute("DELETE FROM delivery WHERE number = ?", (number,))
            for number, next_at, error in again:
                connection.execute(_AGAIN, (error, next_at, number))
            for number, error in dead:
                connection.execute(_DEAD, (error, now, number))
            for job, stream in streams:
                _promote(connection, job, stream, now)

    def bury(
        self, job: str, moment: str, error: str, now: float, before: float | None = None
    ) -> int:
        """Makes a job's callbacks for a moment dead, all or those with `since` up to `before`.

        Returns:
            How many are dead now.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT number, stream FROM delivery WHERE job = ? AND moment = ? "
                "AND state = 'pending' AND since <= coalesce(?3, since)",
                (job, moment, before),
            ).fetchall()
            for number, _ in rows:
                connection.execute(
                    "UPDATE delivery SET state = 'dead', next_at = NULL, ended = ?, error = ? "
                    "WHERE number = ?",
                    (now, error, number),
                )
            for stream in {stream for _, stream in rows}:
                _promote(connection, job, stream, now)
        return len(rows)

    # -- for people --------------------------------------------------------------------------------

    def page(self, job: str | None, state: str | None, after: int, limit: int) -> list[Waiting]:
        """Rows with numbers above `after`, of one job or all, in one state or any."""
        with self._database.read() as connection:
            return list(
                _waiting(
                    connection,
                    f"{_SHOWN} FROM delivery WHERE number > ?1 AND job = coalesce(?2, job) "
                    "AND state = coalesce(?3, state) ORDER BY number LIMIT ?4",
                    (after, job, state, limit),
                )
            )

    def count(self, job: str | None) -> dict[str, int]:
        """How many callbacks there are by state, of one job or all."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT state, count(*) FROM delivery WHERE job = coalesce(?1, job) GROUP BY state",
                (job,),
            )
            return {"pending": 0, "dead": 0} | dict(rows.fetchall())

    def retry(self, now: float, *, id: str | None = None, job: str | None = None) -> int:
        """Makes waiting callbacks due now and revives dead ones, with new days and tries.

        Args:
            now: by the retention clock.
            id: only this callback.
            job: only callbacks of this job.

        Returns:
            How many there are.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT number, job, stream, state FROM delivery "
                "WHERE id = coalesce(?1, id) AND job = coalesce(?2, job)",
                (id, job),
            ).fetchall()
            for number, _, _, state in rows:
                if state == "dead":
                    connection.execute(
                        "UPDATE delivery SET state = 'pending', since = ?, ended = NULL, "
                        "attempts = 0 WHERE number = ?",
                        (now, number),
                    )
            for owner, stream in {(owner, stream): None for _, owner, stream, _ in rows}:
                connection.execute(
                    "UPDATE delivery SET next_at = NULL "
                    "WHERE job = ? AND stream = ? AND state = 'pending'",
                    (owner, stream),
                )
                _promote(connection, owner, stream, now)
        return len(rows)

    def purge(self, before: float, now: float, most: int = 2**62) -> int:
        """Deletes up to `most` callbacks that became dead before `before`; returns how many.

        A callback that is due later than `LONGEST` from now becomes due now: an earlier version
        followed the wall clock, which was ahead then.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE delivery SET next_at = ?1 WHERE next_at > ?1 + ?2", (now, LONGEST)
            )
            return connection.execute(
                "DELETE FROM delivery WHERE number IN "
                "(SELECT number FROM delivery WHERE state = 'dead' AND ended < ? LIMIT ?)",
                (before, most),
            ).rowcount


def _add(connection: Statements, new: Sequence[New]) -> None:
    last = connection.execute("SELECT coalesce(max(number), 0) FROM delivery").fetchone()[0]
    rows = [
        (
            one.id,
            one.job,
            one.moment,
            one.stream,
            orjson.dumps(one.variables).decode(),
            one.created,
            one.since,
        )
        for one in new
    ]
    _PUT(connection, rows)
    connection.execute(_LET_FIRST, (last,))


def _promote(connection: Statements, job: str, stream: str, now: float) -> None:
    """Makes the first waiting callback of a stream due now, unless it was due already."""
    connection.execute(
        "UPDATE delivery SET next_at = ?3 WHERE next_at IS NULL AND number = (SELECT min(number) "
        "FROM delivery WHERE job = ?1 AND stream = ?2 AND state = 'pending')",
        (job, stream, now),
    )


def _waiting(connection: Statements, sql: str, parameters: Sequence[object]) -> Iterator[Waiting]:
    for row in connection.execute(sql, parameters):
        number, id, job, moment, stream, variables, *rest = row
        yield Waiting(number, id, job, moment, stream, orjson.loads(variables), *rest)
