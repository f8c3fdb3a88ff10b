"""Keeping the state's file small: what was deleted gives its space back, a little at a time.

Everybody waits for the one connection, so nothing here takes it for longer than some milliseconds.
Statistics (`PRAGMA optimize`) are left out on purpose: the statements that need an index name it,
and a plan that was chosen for a small table would be the wrong one when it has grown.
"""

import sqlite3
from typing import Final

from cargo_sync.state.database import Database

PAGES: Final = 128
"""Freed at a time: half a MiB."""
LEAST: Final = 2_048
"""Free pages below which nothing is given back: they are used again soon."""


class Upkeep:
    """One state file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def shrink(self) -> bool:
        """Gives some pages back, as long as more than half of the file is free; whether there may
        be more."""
        with self._database.read() as connection:
            pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
            free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
            if free < LEAST or 2 * free < pages:
                return False
            self._database.give_back(PAGES)
            return int(connection.execute("PRAGMA freelist_count").fetchone()[0]) < free

    def checkpoint(self) -> None:
        """Takes the log (-wal) into the file and makes it empty, unless somebody reads in it."""
        with self._database.read() as connection:
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
