"""Opens a server's state: the file in its state folder, or a database in PostgreSQL."""

import os
from collections.abc import Callable

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Database
from cargo_sync.state.sqlite.database import SqliteDatabase


def nobody(_database: Database) -> None:
    """Nobody wants to know what an opening waits for."""


def open_server_state(
    state_dir: str,
    address: str | None,
    *,
    alone: bool = False,
    begun: Callable[[Database], object] = nobody,
) -> Database:
    """The state of a server.

    Args:
        state_dir: the folder of what is its own.
        address: of a database in PostgreSQL; None for a file in this folder.
        alone: no server may have it meanwhile; a file is always one process's alone.
        begun: called before a database is asked: from then on `waiting` can be asked.

    Raises:
        ProblemError: `state_in_use`, or why it cannot be used.
    """
    if address is None:
        return SqliteDatabase.open(os.path.join(state_dir, "state.db"), "server")
    try:
        from cargo_sync.state.postgres.database import PostgresDatabase
    except ImportError as error:
        raise ProblemError(
            Problem(
                Code.BAD_SETTINGS,
                f'"database" needs psycopg, which cannot be loaded: {error}',
                hint="install cargo_sync with the extra [postgresql]",
                retry=False,
            )
        ) from error
    return PostgresDatabase.open(address, state_dir, alone=alone, begun=begun)


def open_state_beside(state_dir: str, address: str | None, own: str) -> Database:
    """The state of a server that runs, for a process beside it.

    It is for rows that the server does not have in memory, and for such as are only written if
    they are as they were read, in the same transaction.

    Args:
        state_dir: the server's folder of what is its own.
        address: as for `open_server_state`.
        own: a folder of this process, which is made; one process may have it.

    Raises:
        ProblemError: another process has `own`; the server is of another release; or why it cannot
            be used.
    """
    if address is not None:
        return open_server_state(own, address)
    path = os.path.join(state_dir, "state.db")
    return SqliteDatabase.open_beside(path, "server", os.path.join(own, "state"))
