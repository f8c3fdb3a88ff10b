"""A PostgreSQL of the tests' own, and a fresh database in it for each test."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
import pytest

from cargo_sync.state.database import Database, Fault, Schema
from cargo_sync.state.postgres.database import PostgresDatabase
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.postgres.program import PostgresProgram


class RunningPostgres:
    """A running PostgreSQL. Its databases are used again: to make one takes a hundred times as long
    as to empty one."""

    def __init__(self, program: PostgresProgram) -> None:
        self._program = program
        self._numbers = count()
        self._free: list[str] = []

    def address(self, name: str) -> str:
        return self._program.address(name)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The address of a database that has a server's tables, and nothing in them."""
        address = self._free.pop() if self._free else self._made()
        try:
            yield address
        finally:
            with psycopg.connect(address, autocommit=True) as connection:
                if not connection.execute(_LEFT_OPEN).fetchone():
                    connection.execute(_EMPTY)
                    self._free.append(address)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The address of a database without tables."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
            yield self.address(name)
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def instead(self, patch: pytest.MonkeyPatch) -> ExitStack:
        """From now on the states of servers are in databases here, one for each path.

        Returns:
            What gives the databases back, when it is closed.
        """
        last, known = ExitStack(), dict[str, str]()
        real = SqliteDatabase.open

        def opened(path: str, schema: Schema, *faults: Fault) -> Database:
            if schema != "server":
                return real(path, schema, *faults)
            if path not in known:
                known[path] = last.enter_context(self.fresh())
            return PostgresDatabase.open(known[path], f"{path}.folder", *faults)

        patch.setattr(SqliteDatabase, "open", opened)
        return last

    def _made(self) -> str:
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        PostgresDatabase.open(self.address(name), str(self._program.folder)).close()
        return self.address(name)


_LEFT_OPEN: Final = b"""
SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend'
"""
"""A test that failed may go on using its database, which is not used again then."""

_EMPTY: Final = b"""
DO $$
BEGIN
    EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY'
        FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_version');
    INSERT INTO counter VALUES ('history', 0);
END
$$
"""


@contextmanager
def running() -> Iterator[RunningPostgres]:
    """Starts one in a folder of its own, and ends it.

    Raises:
        MissingError: there is no PostgreSQL here.
    """
    with tempfile.TemporaryDirectory(prefix="cgpg") as place:
        program = PostgresProgram(Path(place), {})
        try:
            program.start()
            yield RunningPostgres(program)
        finally:
            program.stop()
