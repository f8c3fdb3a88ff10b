"""Connections that only read: for those who find the one that writes in use.

In WAL mode such a reader sees what was committed last and waits for no writer, however long its
transaction or its sync of the disk takes. It has a small cache, which each commit of others makes
worthless, so the connection that writes is the better one as long as it is free.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cargo_sync.state.sqlite.migrations import SqliteStatements

MOST: Final = 4
"""Connections; when all of them are in use, a reader waits for one."""
_CACHE: Final = 1_024
"""KiB per connection."""


class Readers:
    """Up to `MOST` connections to one file, opened when they are needed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._turns = threading.BoundedSemaphore(MOST)
        self._free: list[sqlite3.Connection] = []
        self._mine = threading.local()

    @property
    def own(self) -> SqliteStatements | None:
        """The connection that this thread is already reading from, or None."""
        connection: SqliteStatements | None = getattr(self._mine, "connection", None)
        return connection

    @contextmanager
    def one(self) -> Iterator[SqliteStatements]:
        """A connection at one moment: what is committed until the block ends is not seen.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        with self._turns:
            try:
                connection = self._free.pop()
            except IndexError:  # to look first would not do: another thread may be faster
                connection = self._open()
            try:
                connection.execute("BEGIN")
                self._mine.connection = connection
                yield connection
            finally:
                self._mine.connection = None
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._free.append(connection)

    def close(self) -> None:
        """Closes the connections, which must not be in use any more."""
        while self._free:
            self._free.pop().close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=5, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = {-_CACHE:d}")
        return connection
