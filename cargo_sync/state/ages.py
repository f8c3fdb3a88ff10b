"""Ages: when names in a folder were first seen there, by the retention clock.

The names and times of files on a disk follow a wall clock that may have been wrong, also another
machine's. So what is thrown away by its age gets that age from here.
"""

from collections.abc import Callable, Collection, Mapping

from cargo_sync.state.bulk import Insert
from cargo_sync.state.database import Database

_ADD = Insert("INSERT INTO age (place, name, since) VALUES", "(?, ?, ?)")


class Ages:
    """The ages that a daemon or a server knows; `now` reads the retention clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def ages(self, place: str, names: Collection[str]) -> Mapping[str, float]:
        """The age of each name in the folder `place`, in seconds; 0 for one that is new.

        Other names in this folder are forgotten.
        """
        now, kept = self._now(), frozenset(names)
        with self._database.transaction() as connection:
            known: dict[str, float] = dict(
                connection.execute(
                    "SELECT name, since FROM age WHERE place = ?", (place,)
                ).fetchall()
            )
            for name in known.keys() - kept:
                connection.execute("DELETE FROM age WHERE place = ? AND name = ?", (place, name))
            _ADD(connection, [(place, name, now) for name in sorted(kept - known.keys())])
        return {name: now - known.get(name, now) for name in names}
