"""Connections to PostgreSQL: how they are opened, and what their values become."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore, local
from typing import Any, Final

import psycopg
from psycopg import RawCursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import Int8Dumper, NumericBinaryLoader
from psycopg.types.string import StrDumper

from cargo_sync.state.database import Fault, Found, Statements
from cargo_sync.state.postgres.dialect import translated

Connection = psycopg.Connection[tuple[Any, ...]]

MOST: Final = 4
"""Connections that only read; when all of them are in use, a reader waits for one."""
_SESSION: Final = (
    "SET synchronous_commit = on",
    "SET lock_timeout = '30s'",
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET timezone = 'UTC'",
)


class _SumLoader(NumericBinaryLoader):
    """A sum of our integers is `numeric`, and an integer for us."""

    def load(self, data: Any) -> Any:
        return int(super().load(data))


class _FlagDumper(Int8Dumper):
    """SQLite has no truth values: ours are 1 and 0 in both."""

    def dump(self, obj: Any) -> Any:
        return super().dump(int(obj))


def connect(address: str) -> Connection:
    """Opens a connection; each statement is its own transaction until there is a BEGIN.

    Integers are sent as bigint and strings as text, whatever they are: a statement is prepared once
    for all of them.

    Raises:
        psycopg.Error: it cannot be opened.
    """
    connection: Connection = psycopg.connect(
        address,
        autocommit=True,
        cursor_factory=RawCursor,
        prepare_threshold=2,
        connect_timeout=10,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=15_000,
        application_name="cargo_sync",
    )
    connection.prepared_max = 256
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(bool, _FlagDumper)
    connection.adapters.register_dumper(str, StrDumper)
    connection.adapters.register_loader("numeric", _SumLoader)
    for setting in _SESSION:
        connection.execute(setting)
    return connection


def name_of(address: str) -> str:
    """What a database is called in messages: never with its password."""
    parts = conninfo_to_dict(address)
    return f"the database {parts.get('dbname', '')!r} at {parts.get('host') or 'this machine'}"


class Asking:
    """Runs the rooms' statements on a connection."""

    def __init__(self, connection: Connection, fault: Fault | None = None) -> None:
        self._connection = connection
        self._fault = fault

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Found:
        """Runs a statement in our words.

        Raises:
            psycopg.Error: what went wrong.
        """
        if self._fault is not None:
            self._fault(sql)
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(translated(sql).encode(), parameters or None)


class PostgresReaders:
    """Up to `MOST` connections that only read, opened when they are needed.

    open  opens one
    """

    def __init__(self, open: Callable[[], Connection]) -> None:
        self._open = open
        self._turns = BoundedSemaphore(MOST)
        self._free: list[Connection] = []
        self._mine = local()

    @property
    def own(self) -> Statements | None:
        """What this thread is already reading from, or None."""
        asking: Statements | None = getattr(self._mine, "asking", None)
        return asking

    @contextmanager
    def one(self) -> Iterator[Statements]:
        """Reads at one moment: what is committed until the block ends is not seen.

        Raises:
            psycopg.Error: the database cannot be read.
        """
        with self._turns:
            connection = self._begun()
            self._mine.asking = asking = Asking(connection)
            try:
                yield asking
            finally:
                self._mine.asking = None
                self._give_back(connection)

    def _begun(self) -> Connection:
        """A connection in a transaction; one that was lost since its last use is replaced."""
        while self._free:
            connection = self._free.pop()
            try:
                connection.execute(_READ)
            except psycopg.OperationalError:
                connection.close()
            else:
                return connection
        connection = self._open()
        connection.execute(_READ)
        return connection

    def _give_back(self, connection: Connection) -> None:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
        else:
            self._free.append(connection)

    def close(self) -> None:
        """Closes the connections, which must not be in use any more."""
        while self._free:
            self._free.pop().close()


_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
