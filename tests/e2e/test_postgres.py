"""A real server whose state goes from its file into PostgreSQL, with a job that goes on."""

import json
import os

import psycopg
import pytest

from tests.e2e.processes import Place


@pytest.mark.skipif("CARGO_TEST_STATE" not in os.environ, reason="`make cluster` runs it")
def test_a_job_goes_on_when_the_state_moves_into_postgresql(
    place: Place, fresh_postgres: str
) -> None:
    local = place.job("docs", watch=True)
    (local / "one.txt").write_text("one")
    place.start("server")
    place.start("daemon")
    place.until_state("docs", "synced")
    place.stop("server")
    server = place.folder / "server.json"
    moved = place.run("cargo_sync", "migrate-state", fresh_postgres, "--config", str(server))
    assert moved.returncode == 0, moved.stderr
    assert json.loads(server.read_text())["database"] == fresh_postgres
    assert (place.folder / "server/state.db.before-postgresql").exists()
    assert not (place.folder / "server/state.db").exists()

    place.start("server")
    (local / "two.txt").write_text("two")
    place.until(lambda: place.events("uploaded")[1:] == ["two.txt"], "the job goes on")
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    (local / "three.txt").write_text("three")
    place.until(lambda: (place.files / "three.txt").exists(), "the connections are there again")
    place.until_state("docs", "synced")
    place.kill("server")
    (local / "four.txt").write_text("four")
    place.start("server")
    place.until(lambda: (place.files / "four.txt").exists(), "after a kill")
    place.until_state("docs", "synced")
    assert place.events("uploaded") == ["one.txt", "two.txt", "three.txt", "four.txt"]
    with psycopg.connect(fresh_postgres) as connection:
        rows = connection.execute("SELECT count(*) FROM entry WHERE deleted = 0").fetchone()
    assert rows == (4,)
