"""A server's state from a file goes into an empty database, with all ids and numbers.

It is one transaction: all of it is there at the end, or nothing. The rows are streamed, so memory
does not grow with them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Database
from cargo_sync.state.postgres.connections import Connection, connect, name_of
from cargo_sync.state.postgres.problems import in_use, problem_of

_COLUMNS: Final = b"""
SELECT table_name, column_name, data_type, is_identity = 'YES' FROM information_schema.columns
WHERE table_schema = current_schema()
    AND table_name NOT IN ('counter', 'schema_version', 'database_life')
ORDER BY table_name <> 'workspace', table_name, ordinal_position
"""
"""Tables refer to `workspace` alone, so it comes first."""
_ALONE: Final = b"SELECT pg_try_advisory_xact_lock(4346, 1)"
_TYPES: Final = {"bigint": "int8", "double precision": "float8", "text": "text", "bytea": "bytea"}
_MADE: Final[dict[str, Callable[[Any], Any]]] = {
    "bigint": int, "double precision": float, "text": str, "bytea": bytes
}  # fmt: skip


class _Table(NamedTuple):
    """One table: its columns, their types, and the one whose numbers the database gives, or ""."""

    name: str
    columns: Sequence[str]
    types: Sequence[str]
    numbered: str


def take_over(
    source: Database, address: str, tell: Callable[[str, int], object] = lambda table, rows: None
) -> int:
    """Copies a server's state; returns how many rows there are.

    Args:
        source: the state, which nobody changes meanwhile.
        address: of a database with a server's tables, in which nothing is.
        tell: is told of each table that is done, with its rows.

    Raises:
        ProblemError: something is in the database already, or it cannot be read or written.
    """
    name = name_of(address)
    try:
        with connect(address) as connection, connection.transaction():
            _must_be_alone(connection, name)
            tables = list(_tables(connection))
            _must_be_empty(connection, tables, name)
            total = 0
            for table in tables:
                rows = _copy(source, connection, table)
                tell(table.name, rows)
                total += rows
            with source.read() as reading:
                found = reading.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
            _go_on_with_numbers(connection, tables, dict(found))
            return total
    except psycopg.Error as error:
        if (problem := problem_of(error, name)) is None:
            raise
        raise ProblemError(problem) from error


def _must_be_alone(connection: Connection, name: str) -> None:
    """No server uses the database, and none can until the transaction ends."""
    if connection.execute(_ALONE).fetchone() != (True,):
        raise ProblemError(in_use(name))


def _tables(connection: Connection) -> Iterator[_Table]:
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for table, *column in connection.execute(_COLUMNS):
        found.setdefault(table, []).append((column[0], column[1], column[2]))
    for name, columns in found.items():
        numbered = next((column for column, _, is_numbered in columns if is_numbered), "")
        yield _Table(name, [one[0] for one in columns], [one[1] for one in columns], numbered)


def _must_be_empty(connection: Connection, tables: Sequence[_Table], name: str) -> None:
    for table in tables:
        text = sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(table.name))
        if connection.execute(text).fetchone() != (False,):
            raise ProblemError(
                Problem(
                    Code.OCCUPIED,
                    f"{name} has the state of a server already",
                    hint="name an empty database; if an earlier move to this one was cut off at "
                    "its very end, remove it and make it again (dropdb, createdb)",
                    retry=False,
                )
            )


def _copy(source: Database, connection: Connection, table: _Table) -> int:
    names = ", ".join(f'"{column}"' for column in table.columns)
    asked = f'SELECT {names} FROM "{table.name}"'  # noqa: S608 - our own names
    into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    made, rows = [_MADE[one] for one in table.types], 0
    with (
        source.read(long=True) as reading,
        connection.cursor() as cursor,
        cursor.copy(into) as copy,
    ):
        copy.set_types([_TYPES[one] for one in table.types])
        for row in reading.execute(asked):
            copy.write_row(
                [None if one is None else make(one) for make, one in zip(made, row, strict=True)]
            )
            rows += 1
    return rows


def _go_on_with_numbers(
    connection: Connection, tables: Sequence[_Table], newest: dict[str, int]
) -> None:
    """A number that was given once is never given again, also if its row is gone."""
    for table in tables:
        if table.numbered:
            text = sql.SQL(
                "SELECT setval(pg_get_serial_sequence($1, $2), greatest($3, max({})), true) "
                "FROM {} HAVING greatest($3, max({})) > 0"
            ).format(*map(sql.Identifier, (table.numbered, table.name, table.numbered)))
            last = newest.get(table.name, 0)
            connection.execute(text, (f'"{table.name}"', table.numbered, last))
    connection.execute(
        b"UPDATE counter SET seq = greatest(seq, $1) WHERE name = 'history'",
        (newest.get("history", 0),),
    )
