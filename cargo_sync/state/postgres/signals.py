"""Texts between servers, by LISTEN and NOTIFY.

They are never sent in the transaction that they tell of: a commit with a NOTIFY holds a lock that
all others of the whole PostgreSQL wait for.
"""

from collections.abc import Callable
from typing import Final

import psycopg

from cargo_sync.state.postgres.connections import ApartStatements, Connection, Opening

_LISTEN: Final = "LISTEN cargo_sync"
_SEND: Final = "SELECT pg_notify('cargo_sync', ?)"


class PostgresSignals:
    """Listens on a connection of its own. `open` and `send` may block; see `database.Signals`.

    Args:
        opening: opens connections.
        apart: where it is sent.
        translated: runs something, and raises ProblemError for errors of PostgreSQL.
    """

    def __init__(
        self,
        opening: Opening,
        apart: ApartStatements,
        translated: Callable[[Callable[[], None]], None],
    ) -> None:
        self._opening = opening
        self._apart = apart
        self._translated = translated
        self._connection: Connection | None = None
        self._lost = False

    def open(self) -> int:
        self._translated(self._open)
        assert self._connection is not None, "it was just opened"
        return self._connection.fileno()

    def _open(self) -> None:
        if self._connection is not None and not self._lost:
            return
        self.close()
        connection = self._opening(self._opening.failures)
        try:
            connection.execute(_LISTEN)
        except BaseException:
            connection.close()
            raise
        self._connection, self._lost = connection, False

    def taken(self) -> list[str] | None:
        if self._connection is None or self._lost:
            return None
        end, texts = self._connection.pgconn, list[str]()
        try:
            end.consume_input()
            while (found := end.notifies()) is not None:
                texts.append(found.extra.decode("utf-8", "replace"))
        except psycopg.Error:
            self._lost = True  # closed by whoever opens it again: it may still be waited for
        return None if self._lost else texts

    def send(self, text: str) -> None:
        def sends() -> None:
            with self._apart.one() as connection:
                connection.execute(_SEND, (text,))

        self._translated(sends)

    def close(self) -> None:
        """Stops to listen."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
