"""Keeps the state's file small: the space of deleted rows is given back, a little at a time.

All writers wait for the one connection, so nothing here takes it for more than a few milliseconds.
Statistics (`PRAGMA optimize`) are left out on purpose: the statements that need an index name it,
and a plan that was chosen for a small table would be wrong when the table has grown.
"""

from typing import Final

from cargo_sync.state.database import Database

PAGES: Final = 128
"""Pages that are freed at a time: half a MiB."""
LEAST: Final = 2_048
"""With fewer free pages nothing is given back: they are used again soon."""
LOG: Final = 256 * 10**6
"""Bytes of the log from which on a person should know that another program lets it grow."""


class Upkeep:
    """The upkeep of one state file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def shrink(self) -> bool:
        """Gives some pages back if more than half of the file is free.

        Returns:
            Whether there may be more.
        """
        pages, free = self._pages()
        if free < LEAST or 2 * free < pages:
            return False
        self._database.give_back(PAGES)
        return self._pages()[1] < free

    def _pages(self) -> tuple[int, int]:
        """How many pages the file has, and how many of them are free."""
        with self._database.read() as connection:
            pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
            return pages, int(connection.execute("PRAGMA freelist_count").fetchone()[0])

    def checkpoint(self) -> str:
        """Moves the log (-wal) into the file and empties it, unless another program reads it.

        Returns:
            What a person should know about it, or "".
        """
        left = self._database.checkpoint()
        if left < LOG:
            return ""
        path = self._database.path
        return (
            f"'{path}-wal' has grown to {left / 10**6:,.0f} MB, because another program has been "
            f"reading the state all the time; end that program ('fuser -v {path}' names it)"
        )
