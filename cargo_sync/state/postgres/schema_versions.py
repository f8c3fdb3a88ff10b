"""The numbered scripts of schema/: each is applied once, by whoever comes first.

`schema_version.oldest` is the version of the oldest release that can still work with the tables. So
servers of two releases run side by side while they are upgraded one after the other: a script of
release n only adds (tables; columns that have a default), and what nobody needs any more is removed
in release n + 1, by a script that also raises `oldest` to the version of release n. A server of an
earlier release is refused then. One that still runs notices it when it connects again, and who
raises it ends the connections of all others.
"""

from importlib import resources

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.postgres.connections import Connection

_LOCK = "SELECT pg_advisory_xact_lock(4346, 0)"
_NOBODY_WRITES = "SELECT pg_advisory_xact_lock(4346, 2)"
"""Servers that run go on afterwards, with more tables than they know."""
_SAYS = "SELECT version, oldest FROM schema_version WHERE program = 'server'"
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_version (
    program text PRIMARY KEY,
    version bigint NOT NULL,
    oldest bigint NOT NULL
)
"""


_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
    AND application_name = 'cargo_sync'
"""
"""They connect again, and find out whether they may."""


def scripts() -> list[str]:
    """The scripts `server_NNN.sql` in order; the first one makes version 1."""
    folder = resources.files("cargo_sync.state.postgres") / "schema"
    return [
        item.read_text("utf-8")
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.name.endswith(".sql")
    ]


def migrate(connection: Connection, name: str) -> None:
    """Applies the scripts that are new to a database, all or none.

    Raises:
        ProblemError: `state_newer`, `state_other`.
        psycopg.Error: what else went wrong.
    """
    known = scripts()
    with connection.transaction():
        connection.execute(_LOCK)
        found = _found(connection, name)
        before = connection.execute(_SAYS).fetchone()
        if found < len(known):
            connection.execute(_NOBODY_WRITES)
        for script in known[found:]:
            connection.execute(script.encode())
        if found < len(known):
            connection.execute(
                "INSERT INTO schema_version VALUES ('server', $1, $1) "
                "ON CONFLICT (program) DO UPDATE SET version = $1",
                (len(known),),
            )
        after = connection.execute(_SAYS).fetchone()
    if before and after and before[1] != after[1]:
        connection.execute(_END_OTHERS)


def _found(connection: Connection, name: str) -> int:
    """The version that a database has; 0 for a new one."""
    others = connection.execute(
        "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
    ).fetchone()
    connection.execute(_TABLE)
    row = connection.execute(_SAYS).fetchone()
    if row is None:
        if others and others[0]:
            raise ProblemError(
                Problem(
                    Code.STATE_OTHER,
                    f"{name} has tables of another program",
                    hint="give the server a database of its own",
                    retry=False,
                )
            )
        return 0
    return _fitting(name, row)


def must_fit(connection: Connection, name: str) -> None:
    """A newer server may have made tables meanwhile with which this release cannot work.

    Raises:
        ProblemError: `state_newer`.
        psycopg.Error: what else went wrong.
    """
    if row := connection.execute(_SAYS).fetchone():
        _fitting(name, row)


def _fitting(name: str, row: tuple[int, ...]) -> int:
    """The version of `row`, if this release can work with its tables. Raises ProblemError."""
    version, oldest = row
    if oldest > len(scripts()):
        raise ProblemError(
            Problem(
                Code.STATE_NEWER,
                f"{name} has version {version} of the tables, with which releases work that know "
                f"version {oldest}; this one knows versions up to {len(scripts())}",
                hint="install the newer release",
                retry=False,
            )
        )
    return version
