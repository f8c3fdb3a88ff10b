from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.state.database import Database
from cargo_sync.state.postgres.database import PostgresDatabase
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.new_states import NewStates


@pytest.fixture(autouse=True)
def made_states(new_states: NewStates) -> Iterator[None]:
    """Each new state is made."""
    new_states.are_copied = False
    yield
    new_states.are_copied = True


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[SqliteDatabase]:
    with SqliteDatabase.open(str(tmp_path / "daemon.db"), "daemon") as database:
        yield database


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SqliteDatabase]:
    with SqliteDatabase.open(str(tmp_path / "server.db"), "server") as database:
        yield database


@pytest.fixture(params=["sqlite", "postgres"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A server's, in a file and in PostgreSQL."""
    if request.param == "sqlite":
        with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
            yield database
    else:
        address = request.getfixturevalue("fresh_postgres")
        with PostgresDatabase.open(address, str(tmp_path)) as opened:
            yield opened
