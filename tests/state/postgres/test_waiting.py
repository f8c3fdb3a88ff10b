"""Who is in the way of a server that starts: it says so, and goes on as soon as they are gone."""

import threading
from pathlib import Path

import psycopg
import pytest

from cargo_sync.process.slow_start import SlowStart
from cargo_sync.state.database import Database
from cargo_sync.state.opening import open_server_state
from cargo_sync.state.postgres.waiting import waits_of

PATIENCE = 60.0
LOCKS = {
    "tables": "SELECT pg_advisory_xact_lock(4346, 0)",
    "servers": "SELECT pg_advisory_xact_lock(4346, 1)",
}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_start_that_waits_for_a_lock_says_who_has_it(
    fresh_postgres: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, lock: str
) -> None:
    opened, said = list[Database](), threading.Event()

    def begun(database: Database) -> None:
        def asks() -> str:
            if found := database.waiting():
                said.set()
            return found

        slow.asks = asks

    def start() -> None:
        opened.append(open_server_state(str(tmp_path), fresh_postgres, begun=begun))

    with psycopg.connect(fresh_postgres, application_name="somebody") as other:
        other.execute(LOCKS[lock].encode())
        with SlowStart(0.01, 0.01) as slow:
            slow.work = "the state is opened"
            thread = threading.Thread(target=start)
            thread.start()
            assert said.wait(PATIENCE)
            slow.over()
            slow._thread.join(PATIENCE)
        pid = other.info.backend_pid
        words = f"the state is opened; it waits for a lock that process {pid} of the database has"
        assert f"{words} (somebody from its own machine, idle in transaction for" in caplog.text
        assert not opened
    thread.join(PATIENCE)
    with opened[0] as database:
        assert database.waiting() == ""


def test_a_database_that_does_not_answer_is_what_is_waited_for(
    fresh_postgres: str, tmp_path: Path
) -> None:
    with open_server_state(str(tmp_path), fresh_postgres) as database:
        database._address = f"postgresql://ana:canary@/x?host={tmp_path}"  # type: ignore[attr-defined]
        found = database.waiting()
    assert found.startswith("an answer of the database: ") and "canary" not in found
    with pytest.raises(psycopg.OperationalError):
        waits_of(f"postgresql:///x?host={tmp_path}", [])
