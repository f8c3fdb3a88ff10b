from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from cargo_sync.catalogue.contract import Put
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.state.postgres import life
from cargo_sync.state.postgres.database import PostgresDatabase
from tests.state.postgres.test_database import accounts, code_of, end_connections, set_account


def test_servers_that_share_a_database_have_one_lineage(
    fresh_postgres: str, tmp_path: Path
) -> None:
    seen = []
    with ExitStack() as last:
        for name in "ab":
            folder = str(tmp_path / name)
            database = last.enter_context(PostgresDatabase.open(fresh_postgres, folder))
            catalogue = StoredCatalogue(database)
            space = catalogue.workspace("/srv", lambda: "epoch")
            seen.append(catalogue.begin(space.id, name))
            catalogue.record(space.id, [Put(name, Entry(name, FILE), 0, 0)])
        end_connections(fresh_postgres)  # as a restart does: nothing is lost by it
        assert StoredCatalogue(database).begin(space.id, "c") == seen[0]
        assert database.lost is None
    assert seen[0] == seen[1] and seen[0].first == 1
    with PostgresDatabase.open(fresh_postgres, str(tmp_path / "a")) as database:
        # Nobody was there: the database may have been restored meanwhile.
        now = StoredCatalogue(database).begin(space.id, "d")
        assert now.first == 3 and now.token != seen[0].token
        assert StoredCatalogue(database).lineage(space.id, 2) == seen[0].token


@pytest.mark.parametrize(
    "changed",
    [
        "UPDATE database_life SET identity = 'a later timeline'",
        "UPDATE database_life SET token = 'begun by another server'",
        "DELETE FROM database_life",
        "",
    ],
)
def test_a_server_under_which_the_database_went_back_ends(
    fresh_postgres: str, tmp_path: Path, changed: str
) -> None:
    with PostgresDatabase.open(fresh_postgres, str(tmp_path)) as database:
        set_account(database, "ana")
        if not changed:
            assert database._life is not None
            database._life = database._life._replace(reached="FFFFFF/0")
        with psycopg.connect(fresh_postgres, autocommit=True) as connection:
            connection.execute(changed.encode())
        end_connections(fresh_postgres)
        for _ in range(2):
            assert code_of(lambda: set_account(database, "ben")) == "state_other"
        assert database.lost is not None
    with PostgresDatabase.open(fresh_postgres, str(tmp_path)) as database:
        set_account(database, "eve")
        assert accounts(database) == ["ana", "eve"] and database.lost is None


@pytest.mark.parametrize("way", ["read", "apart", "pulse"])
def test_no_connection_goes_on_under_which_the_database_went_back(
    fresh_postgres: str, tmp_path: Path, way: str
) -> None:
    """Not only the one that writes: nobody is told what is not true any more."""
    with PostgresDatabase.open(fresh_postgres, str(tmp_path)) as database:

        def asks() -> object:
            with getattr(database, way)() as connection:
                return connection.execute("SELECT name FROM account").fetchall()

        assert asks() == []
        with psycopg.connect(fresh_postgres, autocommit=True) as connection:
            connection.execute("UPDATE database_life SET identity = 'a later timeline'")
        end_connections(fresh_postgres)
        assert code_of(asks) == "state_other" and database.lost is not None


def test_who_needs_the_database_alone_gets_it_alone(
    fresh_postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "PATIENCE", 20)

    def opened(folder: str, *, alone: bool = False) -> PostgresDatabase:
        return PostgresDatabase.open(fresh_postgres, str(tmp_path / folder), alone=alone)

    with opened("a"):
        assert code_of(lambda: opened("b", alone=True)) == "state_in_use"
    with opened("b", alone=True) as moving:
        assert code_of(lambda: opened("a")) == "state_in_use"
        end_connections(fresh_postgres)
        set_account(moving, "ana")
        assert code_of(lambda: opened("a")) == "state_in_use"
    with opened("a") as database:
        assert accounts(database) == ["ana"]
