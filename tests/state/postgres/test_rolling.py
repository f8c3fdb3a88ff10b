"""Servers of two releases work side by side; one that is too old is refused, with words."""

from pathlib import Path

import pytest

from cargo_sync.catalogue.contract import Put
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.postgres import schema_versions
from cargo_sync.state.postgres.database import PostgresDatabase
from tests.postgres.running import RunningPostgres
from tests.state.postgres.test_database import accounts, code_of, set_account

pytestmark = pytest.mark.sqlite

EXPAND = """
ALTER TABLE account ADD COLUMN colour text COLLATE "C" NOT NULL DEFAULT 'none';
ALTER TABLE workspace ADD COLUMN mood bigint NOT NULL DEFAULT 7;
ALTER TABLE entry ADD COLUMN weight bigint;
CREATE TABLE made_up (workspace bigint NOT NULL REFERENCES workspace, words text NOT NULL);
"""
CONTRACT = """
ALTER TABLE account DROP COLUMN colour;
UPDATE schema_version SET oldest = {:d} WHERE program = 'server';
"""


def record(database: PostgresDatabase, name: str) -> int:
    """A file is recorded, with its line of the history; returns the workspace's sequence."""
    history = HistoryRows(database, lambda: 1.0, lambda: 1.0)
    catalogue = StoredCatalogue(database, history)
    space = catalogue.workspace("/srv", lambda: "epoch")
    catalogue.record(space.id, [Put(name, Entry(name, FILE), 0, 0)])
    return catalogue.changes(space.id, 0, "", 100).sequence


def test_servers_of_two_releases(
    postgres: RunningPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = schema_versions.scripts()
    next_one, after_next = [*ours, EXPAND], [*ours, EXPAND, CONTRACT.format(len(ours) + 1)]

    def release(scripts: list[str]) -> None:
        monkeypatch.setattr(schema_versions, "scripts", lambda: scripts)

    def server(name: str) -> PostgresDatabase:
        return PostgresDatabase.open(address, str(tmp_path / name))

    with postgres.empty() as address, server("a") as older:
        set_account(older, "ana")
        release(next_one)
        with server("b") as newer:
            with newer.transaction() as connection:
                connection.execute("UPDATE account SET colour = 'blue'")
            release(ours)
            set_account(older, "ben")  # what runs goes on, with the columns that it knows
            assert [record(older, "x"), record(newer, "y"), record(older, "z")] == [1, 2, 3]
            with server("c") as another:  # and the older release may still start
                set_account(another, "cleo")
            assert accounts(newer) == accounts(older) == ["ana", "ben", "cleo"]
            with newer.read() as reading:
                found = reading.execute("SELECT name, colour FROM account ORDER BY name")
                assert list(found) == [("ana", "blue"), ("ben", "none"), ("cleo", "none")]
            release(after_next)
            with server("d") as newest:
                release(next_one)
                set_account(newer, "dora")  # its release is the oldest that still works
                assert newer.lost is None
                release(ours)
                with pytest.raises(ProblemError) as refused:
                    server("c")
                said = refused.value.problem
                assert said.code == "state_newer" and "install the newer release" in said.hint
                assert f"that know version {len(ours) + 1}" in said.message
                assert f"versions up to {len(ours)}" in said.message
                # It still ran: it may write nothing any more, and ends.
                assert code_of(lambda: set_account(older, "eve")) == "state_newer"
                assert older.lost is not None
                release(after_next)
                assert accounts(newest) == ["ana", "ben", "cleo", "dora"]
