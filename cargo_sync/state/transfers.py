"""Ids of transfers that must survive a kill, recorded before the first byte.

Those of large files are kept, since what was staged lies under them; and those of all files of a
job whose callbacks are promised an end of each: whatever comes between, one end is told, under the
id of the start. Beside them stand the files that a person cancelled, which are left alone.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code
from cargo_sync.state.bulk import Insert, Select
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.migrations import Statements

SUPERSEDED: Final = "given up: another version of the file takes its place"
"""Said of a transfer that was begun and will never end: callbacks are promised an end of each."""
FORGOTTEN: Final = "given up: for a week its source was not there to go on with"

Says = Callable[[Happened, str, int, EventDetails], Event]
"""Makes an event of a job: of (happened, path, size, details)."""

_PUT: Final = Insert(
    "INSERT OR REPLACE INTO transfer (job, path, source, id, started, time) VALUES",
    "(?, ?, ?, ?, ?, ?)",
)
_KNOWN: Final = Select("SELECT path, source, id, started FROM transfer WHERE job = ? AND path IN")


class TransferSource(NamedTuple):
    """A file that is to be sent: its path, and the version, ident and size of its entry.

    keep  its id is kept whether or not an end is promised
    """

    path: str
    version: int
    ident: int
    size: int
    keep: bool


class Begun(NamedTuple):
    """The ids of a batch, in its order; the events that became true with them, and the cursor of
    the last."""

    ids: list[str]
    events: list[Event]
    cursor: int


class Transfers:
    """The transfers that are under way, or were when they were cut, in a daemon's jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = Events(database)

    def begin(
        self,
        job: int,
        sources: Sequence[TransferSource],
        make: Callable[[TransferSource], str],
        now: float,
        says: Says,
        promised: Mode | None = None,
    ) -> Begun:
        """Takes up a batch; all of it is durable when this returns.

        A transfer of exactly this version of a source that was begun before goes on under its id,
        and is not started a second time. One of another version is given up: when an end was
        promised, this is it.

        Args:
            sources: each path once.
            make: gives a new id.
            now: unix seconds.
            says: gets STARTED of each transfer that is promised an end now.
            promised: the job's mode when callbacks are promised an end of each; None when nobody
                is.
        """
        with self._database.transaction() as connection:
            known = _known(connection, job, [source.path for source in sources])
            if not known and promised is None and not any(source.keep for source in sources):
                return Begun([make(source) for source in sources], [], 0)
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
                    id, waits = make(source), None
                if promised is not None and not waits:
                    started.append(
                        says(Happened.STARTED, source.path, source.size, EventDetails(transfer=id))
                    )
                    waits = promised.value
                if waits or source.keep:
                    rows.append((job, source.path, version, id, waits, now))
                elif before:
                    _end(connection, job, [source.path])
                ids.append(id)
            _PUT(connection, rows)
            # Without a callback for it a start is not worth a row.
            events = given_up + [event for event in started if event.tell]
            return Begun(ids, events, self._events.append(events) if events else 0)

    def promised(self, job: int, files: Sequence[tuple[str, int, int]]) -> dict[str, str]:
        """By path the ids of those transfers that are promised an end, of files (path, version,
        ident)."""
        with self._database.read() as connection:
            known = _known(connection, job, [path for path, _, _ in files])
        return {
            path: known[path][1]
            for path, version, ident in files
            if path in known and known[path][0] == _version(version, ident) and known[path][2]
        }

    def ended(self, job: int, done: Sequence[str], failed: Sequence[str]) -> None:
        """These are committed; those have failed, and their next try is a start of its own."""
        with self._database.transaction() as connection:
            if (
                connection.execute(
                    "SELECT 1 FROM transfer WHERE job = ? LIMIT 1", (job,)
                ).fetchone()
                is None
            ):
                return
            _end(connection, job, done)
            for path in failed:
                connection.execute(
                    "UPDATE transfer SET started = NULL WHERE job = ? AND path = ?", (job, path)
                )

    def going_on(self, ids: Sequence[str], now: float) -> None:
        """These move at this moment: they are not forgotten, however long they take."""
        with self._database.transaction() as connection:
            for id in ids:
                connection.execute("UPDATE transfer SET time = ? WHERE id = ?", (now, id))

    def forget(self, before: float, now: float) -> int:
        """Drops what was last taken up before `before`; where an end was promised, this is it.

        Returns:
            How many were dropped.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT job.name, path, transfer.id, started FROM transfer JOIN job ON job.id = transfer.job "
                "WHERE time < ? ORDER BY job.name, path",
                (before,),
            ).fetchall()
            connection.execute("DELETE FROM transfer WHERE time < ?", (before,))
            events = [
                Event(
                    name, Happened.FAILED, now, path,
                    details=EventDetails(FORGOTTEN, Code.FORGOTTEN, id), tell=started,
                )
                for name, path, id, started in rows
                if started
            ]  # fmt: skip
            if events:
                self._events.append(events)
        return len(rows)

    def put_off(self, job: int, path: str, source: tuple[int, int]) -> None:
        """A person cancelled the transfer of this source (version, ident): what is known of it
        goes."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM transfer WHERE job = ? AND path = ?", (job, path))
            connection.execute(
                "INSERT OR REPLACE INTO cancelled VALUES (?, ?, ?, ?)", (job, path, *source)
            )

    def all_put_off(self, job: int) -> list[tuple[str, tuple[int, int]]]:
        """(path, source) of everything that was put off and not taken up again, by path."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT path, version, ident FROM cancelled WHERE job = ? ORDER BY path", (job,)
            )
            return [(path, (version, ident)) for path, version, ident in rows]

    def take_up(self, job: int, paths: Sequence[str]) -> None:
        """They were tried again, or there is nothing to try any more."""
        with self._database.transaction() as connection:
            for path in paths:
                connection.execute("DELETE FROM cancelled WHERE job = ? AND path = ?", (job, path))


def _known(
    connection: Statements, job: int, paths: Sequence[str]
) -> dict[str, tuple[str, str, str | None]]:
    """By path: source, id, and the mode of a job that promised an end."""
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


def _end(connection: Statements, job: int, paths: Sequence[str]) -> None:
    for path in paths:
        connection.execute("DELETE FROM transfer WHERE job = ? AND path = ?", (job, path))
