"""What an unclean stop leaves to do: which files of a job are suspects, and which are damaged.

Suspects are not listed one by one: the events since a cursor name what was committed lately, and
the listings from before the stop have what was seen.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import orjson

from cargo_sync.machines.suspects import LATELY, Suspects, UncleanStop, suspects_of
from cargo_sync.model.events import Happened
from cargo_sync.state.bulk import Insert, Select
from cargo_sync.state.database import Database

_COMMITTED: Final = (Happened.UPLOADED, Happened.DOWNLOADED, Happened.ADOPTED)
_LATELY: Final = """
SELECT cursor, path, happened FROM event INDEXED BY event_job
WHERE job = ? AND cursor > ? AND happened IN (?, ?, ?) ORDER BY cursor LIMIT ?
"""
# Without a mark that is old enough, everything since the first one is recent.
_MARKED: Final = """
SELECT coalesce((SELECT max(cursor) FROM event_mark WHERE time <= ?),
                (SELECT min(cursor) FROM event_mark), 0)
"""
_HOLD = Insert("INSERT OR REPLACE INTO damaged (job, path, size, mtime_ns) VALUES", "(?, ?, ?, ?)")
_HELD = Select("SELECT path, size, mtime_ns FROM damaged WHERE job = ? AND path IN")


class Committed(NamedTuple):
    """A file that was agreed on: UPLOADED, DOWNLOADED, or ADOPTED if both sides had it already."""

    cursor: int
    path: str
    happened: Happened


class HeldFile(NamedTuple):
    """A damaged source file, with the size and time that it had before the stop."""

    path: str
    size: int
    mtime_ns: int


def suspect_all(database: Database, stop: UncleanStop) -> None:
    """Makes what was written lately suspect, in all jobs. Raises ProblemError."""
    with database.transaction() as connection:
        [newest] = connection.execute(_MARKED, (stop.at - LATELY,)).fetchone()
        for job, before in connection.execute("SELECT id, suspects FROM job").fetchall():
            suspects = suspects_of(stop, newest, decode(before))
            connection.execute("UPDATE job SET suspects = ? WHERE id = ?", (encode(suspects), job))


def encode(suspects: Suspects) -> str:
    """Suspects as they are kept in a row."""
    return orjson.dumps(tuple(suspects)).decode()


def decode(text: str | None) -> Suspects | None:
    """The suspects that `encode` was given; None for None."""
    return Suspects(*orjson.loads(text)) if text else None


class JobSuspects:
    """The suspects and the damaged files of one job; `job` is its number, `name` its name."""

    def __init__(self, database: Database, job: int, name: str) -> None:
        self._database = database
        self._job = job
        self._name = name

    def checked(self) -> None:
        """All suspects were checked."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE job SET suspects = NULL WHERE id = ?", (self._job,))

    def committed(self, cursor: int, limit: int) -> list[Committed]:
        """Up to `limit` files that were agreed on after `cursor`, oldest first."""
        with self._database.read() as connection:
            found = connection.execute(_LATELY, (self._name, cursor, *_COMMITTED, limit))
            return [Committed(at, path, Happened(what)) for at, path, what in found]

    def hold(self, files: Sequence[HeldFile]) -> None:
        """These source files are damaged."""
        with self._database.transaction() as connection:
            _HOLD(connection, [(self._job, *file) for file in files])

    def holds_any(self) -> bool:
        """Whether any file of the job is damaged."""
        with self._database.read() as connection:
            found = connection.execute("SELECT 1 FROM damaged WHERE job = ? LIMIT 1", (self._job,))
            return found.fetchone() is not None

    def held(self, paths: Sequence[str]) -> dict[str, HeldFile]:
        """Those of `paths` that are damaged."""
        with self._database.read() as connection:
            return {row[0]: HeldFile(*row) for row in _HELD(connection, [self._job], paths)}

    def release(self, paths: Sequence[str] | None = None) -> None:
        """These files may be sent again; None for all."""
        with self._database.transaction() as connection:
            if paths is None:
                connection.execute("DELETE FROM damaged WHERE job = ?", (self._job,))
            for path in paths or ():
                connection.execute(
                    "DELETE FROM damaged WHERE job = ? AND path = ?", (self._job, path)
                )
