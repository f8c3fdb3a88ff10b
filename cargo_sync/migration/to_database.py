"""A server's state goes from a file into PostgreSQL; then the server's settings name it."""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from cargo_sync.config.database import has_password
from cargo_sync.config.editing import edited, fields_of
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.relaxed import parse, read_text
from cargo_sync.config.server import load_server, server_from
from cargo_sync.migration import settings_file
from cargo_sync.migration.screen import Screen
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.nodes import NodeRows
from cargo_sync.state.opening import open_server_state
from cargo_sync.state.sqlite.database import SqliteDatabase

AFTERWARDS: Final = "before-postgresql"
"""The file is renamed, so that no server goes on with it by mistake."""


def move_state(file: str, address: str, screen: Screen, env: Mapping[str, str]) -> int:
    """Moves the state of a stopped server; returns the exit code.

    Args:
        file: the server's file.
        address: of an empty database, without a password.
        screen: shows it.
        env: the environment.

    Raises:
        ConfigError: the file cannot be used, or would be wrong with this address.
        ProblemError: the server runs, or one of the two cannot be used.
    """
    settings = load_server(file, env)
    if settings.database is not None:
        raise _refused(file, "the server has its state in a database already")
    if has_password(address):
        raise _refused(file, "no password in a command: use a passfile, or PGPASSWORD")
    text = read_text(file)
    changed = edited(text, {**fields_of(text, file), "database": address}).text
    wanted = server_from(parse(changed, file), env)
    path = os.path.join(settings.state_dir, "state.db")
    if not os.path.exists(path):
        raise ProblemError(
            Problem(
                Code.VANISHED,
                f"there is no state {path!r}",
                path,
                f'write "database": "{address}" into {file}, and start the server',
                retry=False,
            )
        )
    with SqliteDatabase.open(path, "server") as source:
        if NodeRows(source).all():
            raise _refused(file, "storage nodes cannot be used together with a database")
        open_server_state(
            wanted.state_dir, wanted.database
        ).close()  # makes the tables, and says what is wrong
        from cargo_sync.state.postgres.taking_over import take_over

        assert wanted.database is not None
        total = take_over(
            source,
            wanted.database,
            lambda table, rows: screen.say(f"  {table:16}{rows:>12,} rows") if rows else None,
        )
        settings_file.write(file, changed)
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.rename(path + end, f"{path}.{AFTERWARDS}{end}")
    screen.say(f"{total:,} rows are in the database, and {file} names it; start the server")
    screen.say(f"the old state is {path}.{AFTERWARDS}: remove it when you like")
    return 0


def _refused(file: str, message: str) -> ConfigError:
    return ConfigError([FieldProblem(file, "database", None, message, "")])
