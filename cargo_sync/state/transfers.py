"""Ids of transfers that must survive a kill, stored before the first byte.

They are kept for large files, because staged parts belong to an id, and for all files of a job
whose callbacks promise an end for each start: after any interruption there is one end, with the id
of the start. On their way to a server that cannot say afterwards what came, all files have one: so
the history can tell of what a kill has cut off. Beside them are the files that a person cancelled,
which are not transferred.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code
from cargo_sync.model.transfers import succeeding
from cargo_sync.state.bulk import Alter, Insert, Select
from cargo_sync.state.database import Database, Statements
from cargo_sync.state.events import Events

SUPERSEDED: Final = "given up: another version of the file takes its place"
"""Message of a transfer that began and will never end: callbacks promise an end for each start."""
INTERRUPTED: Final = (
    "an earlier version of it was about to be sent when Cargo was ended: the server may have got it"
)
UNDER_WAY: Final = ""
"""In place of a job's mode: no end is promised, and a kill may have cut it off."""
FORGOTTEN: Final = "given up: its source was missing for a week"

Says = Callable[[Happened, str, int, EventDetails], Event]
"""Makes an event of a job from (happened, path, size, details)."""

_PUT: Final = Insert(
    "INSERT OR REPLACE INTO transfer (job, path, source, id, started, time) VALUES",
    "(?, ?, ?, ?, ?, ?)",
)
_KNOWN: Final = Select("SELECT path, source, id, started FROM transfer WHERE job = ? AND path IN")
_END: Final = Alter("DELETE FROM transfer WHERE job = ? AND path IN")
_LARGER_STOPPED: Final = Alter(
    "UPDATE transfer SET started = NULL WHERE started = '' AND job = ? AND path IN"
)
_START_AGAIN: Final = Alter("UPDATE transfer SET started = NULL WHERE job = ? AND path IN")


class TransferSource(NamedTuple):
    """A file to be sent: its path, and the version, ident and size of its entry.

    keep  whether its id is kept even if callbacks promise no end
    """

    path: str
    version: int
    ident: int
    size: int
    keep: bool


class Begun(NamedTuple):
    """The ids of a batch, in its order; the events that became true, and the cursor of the last."""

    ids: list[str]
    events: list[Event]
    cursor: int


class Transfers:
    """The transfers that are in progress in a daemon's jobs, or were when the daemon stopped."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = Events(database)

    def begin(
        self,
        job: int,
        sources: Sequence[TransferSource],
        make: Callable[[Sequence[TransferSource]], list[str]],
        now: float,
        says: Says,
        promised: Mode | None = None,
        *,
        unsure: bool = False,
    ) -> Begun:
        """Starts or continues a batch of transfers; durable when this returns.

        A transfer of exactly this version of a source that began before continues under its id, and
        does not start a second time. A transfer of another version is given up: if an end was
        promised, this is it; the id that takes its place succeeds its id.

        Args:
            job: its number.
            sources: each path once.
            make: makes new ids.
            now: by the retention clock.
            says: makes the event, STARTED for each transfer that is promised an end now.
            promised: the job's mode when callbacks promise an end for each start; None if they
                do not.
            unsure: the server cannot say afterwards what came. If a kill leaves one of these, and
                another version takes its place, that is told.
        """
        with self._database.transaction() as connection:
            known = _known(connection, job, [source.path for source in sources])
            keeps = unsure or promised is not None or any(source.keep for source in sources)
            if not known and not keeps:
                return Begun(make(sources), [], 0)
            ids: list[str] = []
            rows: list[tuple[object, ...]] = []
            given_up: list[Event] = []
            started: list[Event] = []
            for source in sources:
                version = _version(source.version, source.ident)
                before, id, waits = known.get(source.path, ("", "", None))
                if before != version:
                    if waits:
                        details = EventDetails(SUPERSEDED, Code.OVERTAKEN, id)
                        given_up.append(says(Happened.FAILED, source.path, source.size, details))
                    elif waits is not None:
                        details = EventDetails(INTERRUPTED, Code.UNCERTAIN, id)
                        given_up.append(says(Happened.FAILED, source.path, source.size, details))
                    [made], waits = make([source]), None
                    id = succeeding(id, made) if id and source.keep else made
                if promised is not None and not waits:
                    started.append(
                        says(Happened.STARTED, source.path, source.size, EventDetails(transfer=id))
                    )
                    waits = promised.value
                elif unsure and waits is None:
                    waits = UNDER_WAY
                if waits is not None or source.keep:
                    rows.append((job, source.path, version, id, waits, now))
                elif before:
                    _END(connection, [job], [source.path])
                ids.append(id)
            _PUT(connection, rows)
            # A start without a callback is not worth a row.
            events = given_up + [event for event in started if event.tell]
            return Begun(ids, events, self._events.append(events) if events else 0)

    def any_of(self, job: int) -> bool:
        """Whether anything is known of transfers of a job."""
        with self._database.read() as connection:
            found = connection.execute("SELECT 1 FROM transfer WHERE job = ? LIMIT 1", (job,))
            return found.fetchone() is not None

    def began(self, job: int, files: Sequence[tuple[str, int, int]]) -> set[str]:
        """The paths of those files (path, version, ident) that began to move before."""
        with self._database.read() as connection:
            known = _known(connection, job, [path for path, _, _ in files])
        return {
            path
            for path, version, ident in files
            if path in known and known[path][0] == _version(version, ident)
        }

    def promised(self, job: int, files: Sequence[tuple[str, int, int]]) -> dict[str, str]:
        """The ids by path, of those files (path, version, ident) whose end must be told."""
        with self._database.read() as connection:
            known = _known(connection, job, [path for path, _, _ in files])
        return {
            path: known[path][1]
            for path, version, ident in files
            if path in known
            and known[path][0] == _version(version, ident)
            and known[path][2] is not None
        }

    def ended(self, job: int, done: Sequence[str], failed: Sequence[str]) -> None:
        """Ends transfers: `done` are committed; the next try of `failed` has a start of its own."""
        with self._database.transaction() as connection:
            if (
                connection.execute(
                    "SELECT 1 FROM transfer WHERE job = ? LIMIT 1", (job,)
                ).fetchone()
                is None
            ):
                return
            _END(connection, [job], done)
            _START_AGAIN(connection, [job], failed)

    def stopped(self, job: int, begin: str, larger: Sequence[str]) -> None:
        """A run was stopped: what it has not told of is not sent, and no kill has cut it off.

        Args:
            job: its number.
            begin: how the ids of the small files of this run begin.
            larger: paths of its larger files, whose ids are kept.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM transfer WHERE job = ? AND started = '' AND substr(id, 1, ?) = ?",
                (job, len(begin), begin),
            )
            _LARGER_STOPPED(connection, [job], larger)

    def going_on(self, ids: Sequence[str], now: float) -> None:
        """Notes that these are moving now: they are not forgotten, however long they take."""
        with self._database.transaction() as connection:
            for id in ids:
                connection.execute("UPDATE transfer SET time = ? WHERE id = ?", (now, id))

    def forget(self, before: float, wall: float, most: int = 2**62) -> int:
        """Drops transfers last used before `before`; if an end was promised, this is it.

        Args:
            before: by the retention clock.
            wall: unix seconds, the time of these events.
            most: so many per call.

        Returns:
            How many were dropped.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT job, job.name, path, transfer.id, started "
                "FROM transfer JOIN job ON job.id = transfer.job WHERE time < ? "
                "ORDER BY time, job, path LIMIT ?",
                (before, most),
            ).fetchall()
            for job, _, path, *_ in rows:
                connection.execute("DELETE FROM transfer WHERE job = ? AND path = ?", (job, path))
            events = [
                Event(
                    name, Happened.FAILED, wall, path, details=_given_up(id, started), tell=started
                )
                for _, name, path, id, started in rows
                if started is not None
            ]
            if events:
                self._events.append(events)
        return len(rows)

    def put_off(self, job: int, path: str, source: tuple[int, int]) -> None:
        """A person cancelled the transfer of this source (version, ident): its id is dropped."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM transfer WHERE job = ? AND path = ?", (job, path))
            connection.execute(
                "INSERT OR REPLACE INTO cancelled VALUES (?, ?, ?, ?)", (job, path, *source)
            )

    def all_put_off(self, job: int) -> list[tuple[str, tuple[int, int]]]:
        """(path, source) of all cancelled files that were not tried again, by path."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT path, version, ident FROM cancelled WHERE job = ? ORDER BY path", (job,)
            )
            return [(path, (version, ident)) for path, version, ident in rows]

    def take_up(self, job: int, paths: Sequence[str]) -> None:
        """Drops cancelled files that were tried again, or have nothing left to try."""
        with self._database.transaction() as connection:
            for path in paths:
                connection.execute("DELETE FROM cancelled WHERE job = ? AND path = ?", (job, path))


def _given_up(id: str, started: str) -> EventDetails:
    if started == UNDER_WAY:
        return EventDetails(INTERRUPTED, Code.UNCERTAIN, id)
    return EventDetails(FORGOTTEN, Code.FORGOTTEN, id)


def _known(
    connection: Statements, job: int, paths: Sequence[str]
) -> dict[str, tuple[str, str, str | None]]:
    """By path: source, id, and the mode of the job if an end is promised, or UNDER_WAY."""
    if (
        connection.execute("SELECT 1 FROM transfer WHERE job = ? LIMIT 1", (job,)).fetchone()
        is None
    ):
        return {}
    return {
        path: (source, id, started)
        for path, source, id, started in _KNOWN(connection, [job], paths)
    }


def _version(version: int, ident: int) -> str:
    return f"{version}/{ident}"
