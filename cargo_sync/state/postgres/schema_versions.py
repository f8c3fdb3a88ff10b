"""The numbered scripts of schema/: each is applied once, by whoever comes first.

`schema_version.oldest` is the oldest release's version that can still work with the tables, so that
servers of two releases run side by side while they are upgraded one after the other.
"""

from importlib import resources

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.postgres.connections import Connection

_LOCK = "SELECT pg_advisory_xact_lock(4346, 0)"
_NOBODY_WRITES = "SELECT pg_advisory_xact_lock(4346, 2)"
"""Servers that run go on afterwards, with more tables than they know."""
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_version (
    program text PRIMARY KEY,
    version bigint NOT NULL,
    oldest bigint NOT NULL
)
"""


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


def _found(connection: Connection, name: str) -> int:
    """The version that a database has; 0 for a new one."""
    others = connection.execute(
        "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
    ).fetchone()
    connection.execute(_TABLE)
    row = connection.execute(
        "SELECT version, oldest FROM schema_version WHERE program = 'server'"
    ).fetchone()
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
    version, oldest = row
    if oldest > len(scripts()):
        raise ProblemError(
            Problem(
                Code.STATE_NEWER,
                f"{name} has version {version} of the tables; this release knows versions up to "
                f"{len(scripts())}",
                hint="install the newer release",
                retry=False,
            )
        )
    return int(version)
