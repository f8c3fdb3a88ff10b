"""The schema's versions: numbered scripts, each applied in one transaction with its number."""

import sqlite3
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Protocol

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Schema


class SqliteStatements(Protocol):
    """What a connection to SQLite runs."""

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> sqlite3.Cursor: ...


def scripts(schema: Schema) -> list[str]:
    """The scripts `schema/<schema>_NNN.sql` in order; the first one makes version 1."""
    folder = resources.files("cargo_sync.state") / "schema"
    named = {item.name: item for item in folder.iterdir() if item.name.startswith(f"{schema}_")}
    return [named[name].read_text("utf-8") for name in sorted(named)]


def statements(script: str) -> Iterator[str]:
    """The single statements of a script; `executescript` would end our own transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def version(connection: SqliteStatements) -> int:
    """The version of a database: 0 when it is new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_known(path: str, found: int, known: int) -> None:
    """Checks that this release knows the version of a database.

    Args:
        path: of the file, for the message.
        found: the database's version.
        known: this release's version.

    Raises:
        ProblemError: `state_newer`, when the database was written by a newer release.
    """
    if found > known:
        raise ProblemError(
            Problem(
                Code.STATE_NEWER,
                f"{path!r} has version {found} of the schema; this release knows versions "
                f"up to {known}",
                hint="install the newer release again, or give this one a state folder of its own",
                retry=False,
            )
        )


def apply(connection: SqliteStatements, number: int, script: str) -> None:
    """Brings a database to version `number`, inside the open transaction."""
    for statement in statements(script):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {number:d}")
