"""The life of a database: a time in which it did not go back, and servers used it without a gap.

Each change of a workspace has a lineage, by which clients notice that a server was restored from
an older state. A server with a file begins one at each start. Servers that share a database must
have the same: it is the token of the database's life. Who comes when nobody is there begins a new
life, because the database may have been restored meanwhile. Whoever comes to others joins theirs.

Where a server connects again, the database must still be the same one, at least as far as it was:
else it was restored under a running server, or a replica has taken over that lacks commits. Then
this server knows things that are not true any more. It ends, and is started again.
"""

from typing import Final, NamedTuple

import psycopg

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Statements
from cargo_sync.state.postgres.connections import Connection
from cargo_sync.state.postgres.problems import in_use

_ALONE: Final = "SELECT pg_try_advisory_lock(4346, 1)"
"""Two numbers of ours: each server holds this lock, together with the others. Who moves a state
into the database wants it alone, and so did servers of releases that knew of no others."""
_LET_GO: Final = "SELECT pg_advisory_unlock(4346, 1)"
_WITH_OTHERS: Final = """
SET lock_timeout = {:d}; SELECT pg_advisory_lock_shared(4346, 1); SET lock_timeout = '30s'
"""
PATIENCE: Final = 10_000
"""Milliseconds: so long another server may take to begin a life, before it is in the way."""
_SAYS: Final = "SELECT token, identity FROM database_life"
_BEGIN: Final = """
INSERT INTO database_life (one, token, identity)
VALUES (1, replace(gen_random_uuid()::text, '-', ''), $1)
ON CONFLICT (one) DO UPDATE SET token = excluded.token, identity = excluded.identity
RETURNING token
"""
_WHO: Final = """
SELECT concat_ws('/', {}, substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8), oid,
    'workspace'::regclass::oid) FROM pg_database WHERE datname = current_database()
"""
_SYSTEM: Final = "(SELECT system_identifier FROM pg_control_system())"
"""Where only a superuser may ask for it, the rest must do."""
_REACHED: Final = "SELECT pg_current_wal_flush_lsn()::text"
_GOES_ON: Final = "SELECT pg_current_wal_insert_lsn() >= $1::text::pg_lsn"


class DatabaseLife(NamedTuple):
    """What a server knows of the database.

    token     of its life
    identity  the timeline of which PostgreSQL, which database of it, which tables in it
    reached   how far its log was on the disk, as PostgreSQL writes it
    """

    token: str
    identity: str
    reached: str


def take_lock(connection: Connection, name: str, *, alone: bool) -> bool:
    """Takes the lock of a server, for as long as the connection stands.

    Args:
        connection: to the database.
        name: of the database.
        alone: nobody else may have it.

    Returns:
        Whether nobody else has it; then `share_lock` lets others in.

    Raises:
        ProblemError: `state_in_use`.
        psycopg.Error: the database does not answer.
    """
    if connection.execute(_ALONE).fetchone() == (True,):
        return True
    if alone:
        raise ProblemError(in_use(name))
    try:
        share_lock(connection, free=False)
    except psycopg.errors.LockNotAvailable as error:
        raise ProblemError(in_use(name)) from error
    return False


def share_lock(connection: Connection, *, free: bool = True) -> None:
    """Takes the lock with others; `free`: it was taken alone before, and others are let in."""
    connection.execute(_WITH_OTHERS.format(PATIENCE).encode())
    if free:
        connection.execute(_LET_GO)


def began(connection: Connection, *, first: bool) -> DatabaseLife:
    """The life that a server joins, or begins.

    Args:
        connection: has the lock, and the tables are made.
        first: nobody else is there.
    """
    identity = _identity(connection)
    found = connection.execute(_SAYS).fetchone()
    if first or found is None or found[1] != identity:
        found = connection.execute(_BEGIN, (identity,)).fetchone()
    assert found is not None, "the row was just written"
    return DatabaseLife(str(found[0]), identity, now_reached(connection))


def now_reached(connection: Statements | Connection) -> str:
    """How far the database's log is on its disk."""
    row = connection.execute(_REACHED).fetchone()
    return str(row[0]) if row else ""


def must_go_on(connection: Connection, life: DatabaseLife, name: str) -> None:
    """The database must be the one that it was, at least as far.

    Raises:
        ProblemError: `state_other`.
    """
    same = connection.execute(_SAYS).fetchone() == life[:2] == (life.token, _identity(connection))
    if not same or connection.execute(_GOES_ON, (life.reached,)).fetchone() != (True,):
        message = f"{name} is not as it was: it was restored, or a replica has taken over"
        hint = "the server ends, and is to be started again"
        raise ProblemError(Problem(Code.STATE_OTHER, message, hint=hint))


def _identity(connection: Connection) -> str:
    try:
        row = connection.execute(_WHO.format(_SYSTEM).encode()).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        row = connection.execute(_WHO.format("''").encode()).fetchone()
    return str(row[0]) if row else ""
