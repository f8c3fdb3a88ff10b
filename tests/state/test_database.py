import errno
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import T
from cargo_sync.state import upkeep
from cargo_sync.state.database import Database, Schema
from cargo_sync.state.sqlite import database as state_database
from cargo_sync.state.sqlite import migrations
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.state.crash import Killed

pytestmark = pytest.mark.sqlite


def code_of(path: Path, schema: Schema = "daemon") -> str:
    with pytest.raises(ProblemError) as caught:
        SqliteDatabase.open(str(path), schema)
    return caught.value.problem.code


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM job ORDER BY name")]


def add(database: Database, name: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO job (name) VALUES (?)", (name,))


def beside(work: Callable[[], T]) -> T:
    """What `work` gives in another thread, which must not have to wait for this one."""
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(5)
    [result] = results
    return result


def test_only_the_owner_may_read_it_or_enter_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "state.db"
    with SqliteDatabase.open(str(path), "daemon") as database:
        add(database, "j")
        modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ("state.db", "state.db-wal", "state.db-shm", "state.db.lock"), 0o600
    )
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    with SqliteDatabase.open(str(path), "daemon"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.usefixtures("synced")
def test_commits_survive_a_power_cut(daemon: SqliteDatabase) -> None:
    with daemon.read() as connection:
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in
                 ("journal_mode", "synchronous", "foreign_keys")]  # fmt: skip
    assert found == ["wal", 2, 1]


def test_a_second_opener_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with SqliteDatabase.open(str(path), "daemon"):
        with pytest.raises(ProblemError) as caught:
            SqliteDatabase.open(str(path), "daemon")
        assert caught.value.problem.code == "state_in_use"
        assert f"{str(path)!r} is in use by process {os.getpid()}" in str(caught.value)
    SqliteDatabase.open(str(path), "daemon").close()


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    script = (
        "import os, sys; from cargo_sync.state.sqlite.database import SqliteDatabase\n"
        "database = SqliteDatabase.open(sys.argv[1], 'daemon')\n"
        "with database.transaction() as c: c.execute(\"INSERT INTO job (name) VALUES ('kept')\")\n"
        "print('ready', flush=True); os.read(0, 1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        with pytest.raises(ProblemError, match=f"in use by process {process.pid}"):
            SqliteDatabase.open(str(path), "daemon")
        process.kill()
    with SqliteDatabase.open(str(path), "daemon") as database:
        assert names(database) == ["kept"]


def test_migrations_run_in_order_and_once(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    first = migrations.scripts("daemon")
    more = [
        "CREATE TABLE extra (a TEXT);\n-- a comment; with a semicolon\n"
        "INSERT INTO extra VALUES ('x;y');\n",
        "INSERT INTO extra SELECT a || '!' FROM extra;\n",
    ]
    with SqliteDatabase.open(path, "daemon") as database:
        add(database, "j")
        for _ in range(2):
            database.migrate(first + more)
            with database.read() as connection:
                assert migrations.version(connection) == len(first) + 2
                assert connection.execute("SELECT a FROM extra").fetchall() == [("x;y",), ("x;y!",)]
        assert names(database) == ["j"]


def test_a_newer_state_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with SqliteDatabase.open(str(path), "daemon") as database:
        database.migrate([*migrations.scripts("daemon"), "CREATE TABLE future (a TEXT);\n"])
    before = path.read_bytes()
    with pytest.raises(ProblemError) as caught:
        SqliteDatabase.open(str(path), "daemon")
    assert caught.value.problem.code == "state_newer"
    known = len(migrations.scripts("daemon"))
    told = f"has version {known + 1} of the schema; this release knows versions up to {known}"
    assert told in str(caught.value)
    assert path.read_bytes() == before


def test_a_kill_in_a_migration_leaves_the_old_version_or_the_new_one(tmp_path: Path) -> None:
    before = migrations.scripts("daemon")
    scripts = [*before, "CREATE TABLE a (x);\nCREATE TABLE b (x);\n"]
    seen = []
    for at in range(7):
        left: list[int] = []

        def stop(_: str, left: list[int] = left) -> None:
            if left and left.pop() == 0:
                raise Killed

        with SqliteDatabase.open(str(tmp_path / f"{at}.db"), "daemon", stop) as database:
            left.extend(range(at + 1))
            with suppress(Killed):
                database.migrate(scripts)
            with database.read() as connection:
                tables = connection.execute(
                    "SELECT name FROM sqlite_master WHERE name IN ('a', 'b')"
                )
                seen.append((migrations.version(connection) - len(before), len(tables.fetchall())))
    # the copy, two statements, the version, the commit
    assert seen == [(0, 0)] * 5 + [(1, 2)] * 2


def test_a_daemon_does_not_take_a_servers_state(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    SqliteDatabase.open(str(path), "server").close()
    assert code_of(path, "daemon") == "state_other"
    SqliteDatabase.open(str(path), "server").close()


def test_a_transaction_within_another_joins_it(daemon: SqliteDatabase) -> None:
    with pytest.raises(Killed), daemon.transaction():
        add(daemon, "a")
        add(daemon, "b")
        assert names(daemon) == ["a", "b"]
        raise Killed
    assert names(daemon) == []
    with daemon.transaction():
        add(daemon, "a")
        add(daemon, "b")
    assert names(daemon) == ["a", "b"]


def test_half_of_a_joined_transaction_is_never_written(daemon: SqliteDatabase) -> None:
    with pytest.raises(RuntimeError, match="continues after"), daemon.transaction():
        add(daemon, "a")
        with pytest.raises(ProblemError):
            add(daemon, "a")
        add(daemon, "b")
    assert names(daemon) == []
    add(daemon, "c")
    assert names(daemon) == ["c"]


def test_threads_wait_for_each_other(daemon: SqliteDatabase) -> None:
    def work(number: int) -> None:
        for turn in range(20):
            add(daemon, f"{number}/{turn}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(daemon)) == 80


def test_a_writer_that_waits_comes_before_the_next_slice_of_another(daemon: SqliteDatabase) -> None:
    with ThreadPoolExecutor(1) as threads:
        with daemon.transaction():
            add(daemon, "first slice")
            waiting = threads.submit(add, daemon, "waiting")
            while not daemon._guard._waiting:
                threading.Event().wait(0.001)
        with daemon.transaction() as connection:
            rows = connection.execute("SELECT name FROM job ORDER BY id").fetchall()
        waiting.result(5)
    assert rows == [("first slice",), ("waiting",)]


def test_who_reads_does_not_wait_for_a_transaction_and_sees_nothing_of_it(
    daemon: SqliteDatabase,
) -> None:
    add(daemon, "before")
    with daemon.transaction():
        add(daemon, "during")
        assert beside(lambda: names(daemon)) == ["before"]
        assert names(daemon) == ["before", "during"]
    assert beside(lambda: names(daemon)) == ["before", "during"]


def test_a_reader_beside_others_reads_at_one_moment(daemon: SqliteDatabase) -> None:
    def read_twice() -> list[list[str]]:
        with daemon.read():
            seen = [names(daemon)]
            began.release()
            assert added.acquire(timeout=5)
            return [*seen, names(daemon)]

    began, added = threading.Semaphore(0), threading.Semaphore(0)
    add(daemon, "before")
    with ThreadPoolExecutor(1) as threads:
        with daemon.read():  # the connection that writes is in use
            reading = threads.submit(read_twice)
            assert began.acquire(timeout=5)
        add(daemon, "later")
        added.release()
        assert reading.result(5) == [["before"], ["before"]]
    assert names(daemon) == ["before", "later"]


def test_no_writer_waits_for_a_long_read(daemon: SqliteDatabase) -> None:
    add(daemon, "before")
    with daemon.read(long=True):
        assert names(daemon) == ["before"]
        beside(lambda: add(daemon, "during"))
        assert names(daemon) == ["before"]
    assert names(daemon) == ["before", "during"]
    with daemon.transaction():
        add(daemon, "mine")
        with daemon.read(long=True) as connection:
            assert connection.execute("SELECT count(*) FROM job").fetchone() == (3,)


def test_a_reader_that_writes_sees_what_it_wrote(daemon: SqliteDatabase) -> None:
    def read_and_write() -> list[str]:
        with daemon.read():
            began.release()
            assert free.acquire(timeout=5)
            with daemon.transaction():
                add(daemon, "mine")
                return names(daemon)

    began, free = threading.Semaphore(0), threading.Semaphore(0)
    with ThreadPoolExecutor(1) as threads:
        with daemon.transaction():
            reading = threads.submit(read_and_write)
            assert began.acquire(timeout=5)
        free.release()
        assert reading.result(5) == ["mine"]


def test_a_full_disk_is_said_and_everything_stays_as_it_was(daemon: SqliteDatabase) -> None:
    add(daemon, "before")
    with daemon.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ProblemError) as caught, daemon.transaction():
        add(daemon, "during")
        add(daemon, "x" * 100_000)
    assert (caught.value.problem.code, caught.value.problem.retry) == ("disk_full", True)
    assert names(daemon) == ["before"]
    with daemon.read() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    add(daemon, "room again")
    assert names(daemon) == ["before", "room again"]


@pytest.mark.parametrize("start", [0, 4096])
def test_a_damaged_state_says_what_to_do(tmp_path: Path, start: int) -> None:
    path = tmp_path / "state.db"
    with SqliteDatabase.open(str(path), "daemon") as database:
        add(database, "j")
    content = path.read_bytes()
    path.write_bytes(content[:start] + b"\xa5" * (len(content) - start))
    with (
        pytest.raises(ProblemError) as caught,
        SqliteDatabase.open(str(path), "daemon") as database,
    ):
        names(database)
    problem = caught.value.problem
    assert (problem.code, problem.retry) == ("state_damaged", False)
    assert "move the file away" in problem.hint and "nothing is deleted" in problem.hint


def test_a_state_locked_by_another_program_is_said_and_can_be_read_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, pauses = tmp_path / "state.db", list[float]()
    with SqliteDatabase.open(str(path), "daemon") as database:
        add(database, "before")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            assert beside(lambda: names(database)) == ["before"]

        database.pause = pause
        monkeypatch.setattr(state_database, "TRIES", 3)
        with pytest.raises(ProblemError) as caught:
            add(database, "j")
        assert caught.value.problem.code == "state_locked"
        assert pauses == [state_database.PAUSE] * 2

        database.pause = lambda _: other.rollback()
        add(database, "in time")
        assert names(database) == ["before", "in time"]
        other.close()


def test_a_checkpoint_waits_for_no_program(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with SqliteDatabase.open(str(path), "daemon") as database:
        add(database, "seen")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM job").fetchone() == (1,)
        add(database, "not seen")
        with database.transaction():
            assert beside(database.checkpoint) > 0
        assert database.checkpoint() > 0
        reader.rollback()
        assert database.checkpoint() == 0
        assert os.path.getsize(f"{path}-wal") == 0
        reader.close()


def test_a_log_that_another_program_lets_grow_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    monkeypatch.setattr(upkeep, "LOG", 1)
    with SqliteDatabase.open(str(path), "daemon") as database:
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM job").fetchone()
        add(database, "j")
        assert "state.db-wal' has grown" in upkeep.empty_log(database)
        reader.close()
        assert upkeep.empty_log(database) == ""


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert code_of(tmp_path / "file" / "state.db") in ("not_a_folder", "occupied")


def test_a_full_disk_leaves_the_holder_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with SqliteDatabase.open(str(tmp_path / "state.db"), "daemon"):
        with pytest.raises(ProblemError) as caught:
            SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")
        assert "in use by process unknown" in str(caught.value)
