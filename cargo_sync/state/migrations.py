"""The schema's versions: numbered scripts, applied in order, each in one transaction with its
number."""

import sqlite3
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Literal, Protocol

from cargo_sync.model.problems import Code, Problem, ProblemError

Schema = Literal["daemon", "server"]


class Statements(Protocol):
    """What a room needs of a connection."""

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> sqlite3.Cursor: ...


def scripts(schema: Schema) -> list[str]:
    """The scripts `schema/<schema>_NNN.sql` in order; the first one makes version 1."""
    folder = resources.files("cargo_sync.state") / "schema"
    named = {item.name: item for item in folder.iterdir() if item.name.startswith(f"{schema}_")}
    return [named[name].read_text("utf-8") for name in sorted(named)]


def statements(script: str) -> Iterator[str]:
    """The single statements of a script, for a transaction of our own (`executescript` ends
    one)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def version(connection: Statements) -> int:
    """The version that a database has: 0 when it is new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_known(path: str, found: int, known: int) -> None:
    """Raises:
    ProblemError: `state_newer`, when the database was written by a newer release than this one.
    """
    if found > known:
        raise ProblemError(
            Problem(
                Code.STATE_NEWER,
                f"{path!r} has version {found} of the schema; this release knows versions up to {known}",
                hint="install the newer release again, or give this one a state folder of its own",
                retry=False,
            )
        )


def apply(connection: Statements, number: int, script: str) -> None:
    """Bring a database to version `number`, inside the transaction that is open."""
    for statement in statements(script):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {number:d}")
