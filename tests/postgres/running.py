"""A PostgreSQL of the tests' own, and a fresh database in it for each test."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
import pytest

from cargo_sync.state.database import Database, Fault, Schema
from cargo_sync.state.postgres.database import PostgresDatabase
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.remotes.installed import DEBIAN, unpacked_libraries
from tests.remotes.processes import guarded, kill
from tests.remotes.server import MissingError
from tests.remotes.unprivileged import owner
from tests.remotes.waiting import until

_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "autovacuum": "off",
}
_INSTALLED: Final = Path("/usr/lib/postgresql")
_UNPACKED: Final = DEBIAN / "usr/lib/postgresql"


def programs() -> tuple[Path, Mapping[str, str]]:
    """The folder of PostgreSQL's programs, and what their environment needs.

    Raises:
        MissingError: there is none.
    """
    for place in (_INSTALLED, _UNPACKED):
        for found in sorted(place.glob("*/bin/initdb"), reverse=True):
            return found.parent, unpacked_libraries() if place == _UNPACKED else {}
    if (path := shutil.which("initdb")) and shutil.which("postgres"):
        return Path(path).parent, {}
    raise MissingError("PostgreSQL is not installed (Debian: postgresql)")


class RunningPostgres:
    """A running PostgreSQL. Its databases are used again: to make one takes a hundred times as long
    as to empty one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._free: list[str] = []

    def address(self, name: str) -> str:
        return f"postgresql://cargo@/{name}?host={self._folder}"

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
        PostgresDatabase.open(self.address(name), str(self._folder)).close()
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
    (found, libraries), user = programs(), owner()
    env = os.environ | libraries
    with tempfile.TemporaryDirectory(prefix="cgpg") as place:
        folder = Path(place)
        os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        less = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        as_user = less if os.geteuid() == 0 else []  # PostgreSQL refuses to run as root
        making = [
            *as_user, str(found / "initdb"), "-D", str(data), "-U", "cargo", "-A", "trust",
            "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        done = subprocess.run(making, capture_output=True, text=True, cwd="/", env=env, check=False)
        if done.returncode:
            raise MissingError(f"PostgreSQL cannot be set up: {done.stderr.strip()[-300:]}")
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        command = guarded(
            [*as_user, str(found / "postgres"), "-D", str(data), "-k", place, *settings]
        )
        with open(folder / "log", "wb") as log:
            program = subprocess.Popen(
                command,
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd="/", env=env,
                start_new_session=True,
            )  # fmt: skip
        server = RunningPostgres(folder)
        try:
            until(
                lambda: _answers(server.address("postgres")), "PostgreSQL", program, folder / "log"
            )
            yield server
        finally:
            ending = [*as_user, str(found / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]
            subprocess.run(ending, capture_output=True, cwd="/", env=env, check=False)
            kill(program)


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
