import os
import socket
import sqlite3
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from cargo_sync.catalogue.contract import Gone, Put
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.catalogue.telling import live
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.audit import AuditTable
from cargo_sync.state.database import ALONE, Database, Scope
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.holders import HolderRows
from cargo_sync.state.postgres import connections, life
from cargo_sync.state.postgres.connections import name_of
from cargo_sync.state.postgres.database import PostgresDatabase
from cargo_sync.state.postgres.taking_over import take_over
from cargo_sync.state.servers import ServerRow, ServerRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.postgres.running import RunningPostgres
from tests.postgres.waiting import comes_true, is_waiting

pytestmark = pytest.mark.sqlite


@pytest.fixture
def database(fresh_postgres: str, tmp_path: Path) -> Iterator[PostgresDatabase]:
    with PostgresDatabase.open(fresh_postgres, str(tmp_path)) as opened:
        yield opened


def set_account(database: Database, name: str, hash: str = "x") -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO account VALUES (?, ?)", (name, hash))


def accounts(database: Database) -> list[str]:
    with database.read() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM account ORDER BY name")]


def end_connections(address: str, but: int = 0) -> None:
    """As a restart of the database does; one process there may stay."""
    with psycopg.connect(address, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
            (but,),
        )


def code_of(work: object) -> str:
    assert callable(work)
    with pytest.raises(ProblemError) as caught:
        work()
    return caught.value.problem.code


def test_it_has_the_tables_of_sqlite(tmp_path: Path, fresh_postgres: str) -> None:
    SqliteDatabase.open(str(tmp_path / "state.db"), "server").close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as file:
        ours = {
            (table, column[1])
            for (table,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not table.startswith("sqlite_")
            for column in file.execute(f"PRAGMA table_info({table!r})")
        }
        indexes = {
            name
            for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
            if not name.startswith("sqlite_")
        }
    with psycopg.connect(fresh_postgres) as connection:
        theirs = set(
            connection.execute(
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = 'public' "
                "AND table_name NOT IN ('counter', 'schema_version', 'database_life')"
            ).fetchall()
        )
        found = connection.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
        missing = indexes - {name for (name,) in found}
    assert theirs == ours
    assert not missing


def test_a_transaction_is_all_or_nothing(database: PostgresDatabase) -> None:
    with suppress(ZeroDivisionError), database.transaction():
        set_account(database, "ana")
        assert accounts(database) == ["ana"]  # its own thread sees it
        raise ZeroDivisionError
    assert accounts(database) == []
    set_account(database, "ben")
    assert accounts(database) == ["ben"]


def test_what_failed_inside_is_never_committed(database: PostgresDatabase) -> None:
    set_account(database, "ana")
    with pytest.raises(RuntimeError), database.transaction() as connection:
        connection.execute("INSERT INTO account VALUES ('ben', 'x')")
        with suppress(psycopg.Error):  # PostgreSQL would answer a COMMIT with ROLLBACK, in silence
            connection.execute("INSERT INTO account VALUES ('ana', 'x')")
    assert accounts(database) == ["ana"]


def test_a_lost_connection_is_opened_again(database: PostgresDatabase, fresh_postgres: str) -> None:
    set_account(database, "ana")
    assert accounts(database) == ["ana"]
    end_connections(fresh_postgres)
    set_account(database, "ben")
    assert accounts(database) == ["ana", "ben"]

    def cut() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO account VALUES ('eve', 'x')")
            end_connections(fresh_postgres)

    assert code_of(cut) == "database_away"
    set_account(database, "dora")
    assert accounts(database) == ["ana", "ben", "dora"] and not database.trouble()


def test_a_single_statement_needs_no_transaction(
    database: PostgresDatabase, fresh_postgres: str
) -> None:
    def names() -> list[str]:
        with database.read(single=True) as connection:
            return [row[0] for row in connection.execute("SELECT name FROM account ORDER BY name")]

    assert names() == []
    with database.transaction():
        set_account(database, "ana")
        assert names() == ["ana"]  # its own thread sees it
    assert names() == ["ana"]
    end_connections(fresh_postgres)
    assert names() == ["ana"], "asked again on a new connection"
    with pytest.raises(psycopg.ProgrammingError), database.read(single=True) as connection:
        connection.execute("SELECT nothing FROM account")
    assert names() == ["ana"]


def test_a_state_folder_belongs_to_one_process(
    database: PostgresDatabase, fresh_postgres: str, tmp_path: Path
) -> None:
    set_account(database, "ana")
    assert code_of(lambda: PostgresDatabase.open(fresh_postgres, str(tmp_path))) == "state_in_use"


@pytest.mark.parametrize(
    ("first", "second", "waits"),
    [
        (ALONE, ALONE, True),
        (ALONE, Scope(1), True),
        (Scope(1), ALONE, True),
        (Scope(1), Scope(1), True),
        (Scope(1), Scope(2), False),
        (Scope(1), Scope(own="a"), False),
        (Scope(own="a"), ALONE, True),
        (Scope(own="a"), Scope(own="a"), True),
        (Scope(own="a"), Scope(own="b"), False),
    ],
)
def test_two_servers_write_side_by_side_as_their_scopes_say(
    database: PostgresDatabase,
    fresh_postgres: str,
    tmp_path: Path,
    first: Scope,
    second: Scope,
    waits: bool,
) -> None:
    with database.transaction() as connection:
        for id in (1, 2):
            connection.execute(
                "INSERT INTO workspace (id, root, epoch) VALUES (?1, CAST(?1 AS text), '')", (id,)
            )
    with PostgresDatabase.open(fresh_postgres, str(tmp_path / "other")) as other:
        done: list[str] = []

        def write() -> None:
            with other.transaction(*second):
                done.append("second")

        thread = threading.Thread(target=write)
        with database.transaction(*first):
            thread.start()
            if waits:
                comes_true(lambda: is_waiting(fresh_postgres))
                done.append("first")
            else:
                thread.join()
        thread.join()
        assert done == (["first", "second"] if waits else ["second"])


@pytest.mark.parametrize(
    ("outer", "inner", "allowed"),
    [
        (ALONE, Scope(1), True),
        (Scope(1), Scope(1), True),
        (Scope(1), Scope(own="a"), True),
        (Scope(1), ALONE, False),
        (Scope(1), Scope(2), False),
        (Scope(own="a"), Scope(own="b"), False),
        (Scope(own="a"), Scope(1), False),
    ],
)
def test_no_transaction_writes_more_than_its_scope_says(
    database: PostgresDatabase, tmp_path: Path, outer: Scope, inner: Scope, allowed: bool
) -> None:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as file:
        for one in (database, file):
            with (
                nullcontext() if allowed else pytest.raises(RuntimeError),
                one.transaction(*outer),
                one.transaction(*inner),
            ):
                pass


def test_statements_apart_wait_for_nobody(database: PostgresDatabase, fresh_postgres: str) -> None:
    with database.transaction(), database.apart() as connection:
        connection.execute("INSERT INTO account VALUES (?, 'x')", ("ana",))
        assert accounts(database) == ["ana"]
    end_connections(fresh_postgres)
    with database.apart() as connection:
        connection.execute("INSERT INTO account VALUES (?, 'x')", ("ben",))
    assert accounts(database) == ["ana", "ben"]


def test_who_waits_for_a_row_apart_holds_up_nobody(
    database: PostgresDatabase, fresh_postgres: str
) -> None:
    set_account(database, "ana")

    def waits() -> None:
        with database.apart() as connection:
            connection.execute("UPDATE account SET hash = 'z'")

    thread = threading.Thread(target=waits)
    with database.transaction() as connection:
        connection.execute("UPDATE account SET hash = 'y'")
        thread.start()
        comes_true(lambda: is_waiting(fresh_postgres))
        with database.apart() as other:
            assert other.execute("SELECT hash FROM account").fetchone() == ("x",)
    thread.join()


def test_a_server_says_that_it_is_there_whoever_waits_apart(
    database: PostgresDatabase, fresh_postgres: str
) -> None:
    set_account(database, "ana")
    rows, me = ServerRows(database), ServerRow("id", "a", "life")

    def waits() -> None:
        with database.apart() as connection:
            connection.execute("UPDATE account SET hash = 'z'")

    def says() -> None:
        rows.put(me._replace(beat=7))

    def is_heard() -> bool:
        with psycopg.connect(fresh_postgres) as other:
            return other.execute("SELECT beat FROM server").fetchone() == (7,)

    threads = [threading.Thread(target=waits) for _ in range(connections.MOST)]
    with database.transaction() as connection:
        connection.execute("UPDATE account SET hash = 'y'")
        for thread in threads:
            thread.start()
        comes_true(lambda: statements(fresh_postgres).count("UPDATE account") == len(threads))
        threads.append(threading.Thread(target=says))
        threads[-1].start()
        comes_true(is_heard)
        assert HolderRows(database).all() == {}, "asked at the same time"
    for thread in threads:
        thread.join()


def test_who_waits_too_long_is_told_to_come_again(
    database: PostgresDatabase, fresh_postgres: str, tmp_path: Path
) -> None:
    with PostgresDatabase.open(fresh_postgres, str(tmp_path / "other")) as other:
        assert other._writer is not None
        other._writer.execute("SET lock_timeout = '20ms'")
        with database.transaction():
            assert code_of(lambda: set_account(other, "ana")) == "state_locked"
        set_account(other, "ana")
        assert accounts(database) == ["ana"]


def test_a_database_of_another_program_is_left_alone(
    postgres: RunningPostgres, tmp_path: Path
) -> None:
    with postgres.empty() as address:
        with psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE theirs (a int)")
        assert code_of(lambda: PostgresDatabase.open(address, str(tmp_path))) == "state_other"
        with psycopg.connect(address) as connection:
            found = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            assert found.fetchall() == [("theirs",)]


def test_a_newer_database_is_refused(fresh_postgres: str, tmp_path: Path) -> None:
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        [own] = connection.execute("SELECT version FROM schema_version").fetchall()
        connection.execute("UPDATE schema_version SET version = 99, oldest = 1")
        PostgresDatabase.open(fresh_postgres, str(tmp_path)).close()  # it may still be used
        connection.execute("UPDATE schema_version SET oldest = 99")
        opening = lambda: PostgresDatabase.open(fresh_postgres, str(tmp_path))  # noqa: E731
        assert code_of(opening) == "state_newer"
        connection.execute("UPDATE schema_version SET version = %s, oldest = 1", own)


@pytest.mark.parametrize(
    ("sql", "parameters", "code"),
    [
        ("INSERT INTO account VALUES ('ana', ?)", (None,), "bad_value"),
        ("INSERT INTO account VALUES (?, 'x')", ("a\0b",), "bad_value"),
        ("INSERT INTO mark VALUES (99, 1, 1)", (), "bad_value"),
        ("INSERT INTO account VALUES (?, 'x')", ("\udc80",), "bad_value"),
    ],
)
def test_a_value_that_cannot_be_kept_is_said(
    database: PostgresDatabase, sql: str, parameters: tuple[object, ...], code: str
) -> None:
    def write() -> None:
        with database.transaction() as connection:
            connection.execute(sql, parameters)

    assert code_of(write) == code
    assert accounts(database) == []


@pytest.mark.parametrize(
    ("hosts", "added"),
    [
        ("host={0}", ""),
        ("host={0},{0}", "target_session_attrs=read-write connect_timeout=2"),
        ("host={0},{0}&target_session_attrs=any&connect_timeout=9", "connect_timeout=9"),
    ],
)
def test_of_several_hosts_the_one_is_used_that_can_be_written(
    fresh_postgres: str, hosts: str, added: str
) -> None:
    before, _, folder = fresh_postgres.partition("host=")
    with connections.connect(before + hosts.format(folder)) as opened:
        said = conninfo_to_dict(opened.info.dsn)
        wanted = conninfo_to_dict(added)
        assert {name: said.get(name) for name in wanted} == wanted
        assert ("target_session_attrs" in said) == ("read-write" in added)


@pytest.mark.parametrize(
    ("address", "several"),
    [
        ("postgresql:///cargo", False),
        ("postgresql://a/cargo", False),
        ("postgresql://a/cargo?hostaddr=192.0.2.1", False),
        ("host=a hostaddr=192.0.2.1 dbname=cargo", False),
        ("postgresql:///cargo?hostaddr=192.0.2.1", False),
        ("postgresql://a,b/cargo", True),
        ("postgresql://a:5432,a:5433/cargo", True),
        ("postgresql:///cargo?host=/run/a,/run/b", True),
        ("postgresql:///cargo?hostaddr=192.0.2.1,192.0.2.2", True),
        ("postgresql://a,b/cargo?hostaddr=192.0.2.1,192.0.2.2", True),
    ],
)
def test_what_counts_as_several_hosts(address: str, several: bool) -> None:
    found = connections.added_to(address)
    assert ("target_session_attrs" in found, found["connect_timeout"]) == (
        several,
        2 if several else 10,
    )


def test_nobody_answers(tmp_path: Path) -> None:
    address = f"postgresql://cargo:secret@/x?host={tmp_path}"
    with pytest.raises(ProblemError) as caught:
        PostgresDatabase.open(address, str(tmp_path))
    assert caught.value.problem.code == "database_away"
    assert "secret" not in str(caught.value.problem)
    assert name_of("postgresql://cargo:secret@db/x") == "the database 'x' at db"


def test_sums_are_integers_and_the_newest_number_stays(database: PostgresDatabase) -> None:
    with database.transaction() as connection:
        for number in (1, 2):
            connection.execute(
                "INSERT INTO history (cursor, time, lived, workspace, kind, user, address, origin, "
                "flow, count, bytes, files) VALUES (?, 0, 0, 1, 'uploaded', 'ana', '', '', '', 1, "
                "?, ?)",
                (number, 2**60, b""),
            )
    history = HistoryRows(database, lambda: 0.0, lambda: 0.0)
    assert history.moved("ana", 0).bytes_up == 2**61
    with database.transaction() as connection:
        connection.execute("DELETE FROM history")
    assert history.newest() == 2


def test_what_is_gone_with_a_folder_is_told_in_order(database: PostgresDatabase) -> None:
    catalogue = StoredCatalogue(database, HistoryRows(database, lambda: 1.0, lambda: 1.0))
    space = catalogue.workspace("/srv/ana", lambda: "epoch")
    for name in ("x", "b", "m"):
        catalogue.record(space.id, [Put(name, Entry(name, FILE, size=7), 5, 1)])
    with database.transaction() as connection:
        assert live(connection, space.id, (b"", b"\xff", 9)).paths == ["b", "m", "x"]


def test_a_state_from_a_file_goes_on_here(tmp_path: Path, fresh_postgres: str) -> None:
    path = tmp_path / "state.db"
    with SqliteDatabase.open(str(path), "server") as source:
        catalogue = StoredCatalogue(source, HistoryRows(source, lambda: 1.0, lambda: 1.0))
        space = catalogue.workspace("/srv/ana", lambda: "epoch")
        catalogue.begin(space.id, "token")
        catalogue.record(space.id, [Put("b\u00e4r", Entry("b\u00e4r", FILE, size=7), 5, 2**64 - 1)])
        catalogue.record(space.id, [Put("b", Entry("b", FILE, size=1), 0, 0), Gone("b")])
        set_account(source, "ana")
        audit = AuditTable(source, lambda: 1.0, lambda: 1.0)
        audit.begin("ana", "x", "{}")
        audit.prune(most=0)
        before = catalogue.changes(space.id, 0, "", 100), catalogue.use(space.id)
        history = HistoryRows(source, lambda: 1.0, lambda: 1.0).newest()
        assert take_over(source, fresh_postgres) > 5
        assert code_of(lambda: take_over(source, fresh_postgres)) == "occupied"
    with PostgresDatabase.open(fresh_postgres, str(tmp_path)) as target:
        catalogue = StoredCatalogue(target, HistoryRows(target, lambda: 1.0, lambda: 1.0))
        assert catalogue.workspace("/srv/ana", lambda: "other") == space._replace(sequence=3)
        assert (catalogue.changes(space.id, 0, "", 100), catalogue.use(space.id)) == before
        assert HistoryRows(target, lambda: 1.0, lambda: 1.0).newest() == history > 0
        assert catalogue.workspace("/srv/ben", lambda: "epoch").id == space.id + 1
        assert AuditTable(target, lambda: 1.0, lambda: 1.0).begin("ana", "x", "{}") == 2
        assert accounts(target) == ["ana"]


def test_our_own_lock_does_not_shut_us_out(database: PostgresDatabase) -> None:
    set_account(database, "ana")
    assert database._writer is not None
    ours = database._writer.fileno()
    with closing(socket.socket(fileno=os.dup(ours))), open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), ours)  # cut off; for the database, the connection still stands
        set_account(database, "ben")
        assert accounts(database) == ["ana", "ben"]


def test_a_long_statement_of_a_killed_server_ends(fresh_postgres: str, tmp_path: Path) -> None:
    killed = PostgresDatabase.open(fresh_postgres, str(tmp_path))
    assert killed._writer is not None
    with closing(socket.socket(fileno=os.dup(killed._writer.fileno()))) as end:
        lost = threading.Thread(target=lambda: code_of(lambda: sleep_in(killed)))
        lost.start()
        try:
            comes_true(lambda: "pg_sleep" in statements(fresh_postgres))
        finally:
            end.shutdown(socket.SHUT_RDWR)
            lost.join()
    comes_true(lambda: "pg_sleep" not in statements(fresh_postgres))
    PostgresDatabase.open(fresh_postgres, str(tmp_path / "again")).close()
    killed.close()


def sleep_in(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("SELECT pg_sleep(60)")


def statements(address: str) -> str:
    """What others run in the database now."""
    with psycopg.connect(address) as connection:
        found = connection.execute(
            "SELECT query FROM pg_stat_activity WHERE state = 'active' "
            "AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        return " ".join(query for (query,) in found)


def test_while_a_state_is_moved_there_nobody_writes(
    database: PostgresDatabase, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "PATIENCE", 20)
    with psycopg.connect(fresh_postgres) as moving:
        alone = "SELECT pg_try_advisory_xact_lock(4346, 1)"
        assert moving.execute(alone).fetchone() == (False,)
        end_connections(fresh_postgres, moving.info.backend_pid)
        comes_true(lambda: moving.execute(alone).fetchone() == (True,))
        for _ in range(2):
            assert code_of(lambda: set_account(database, "ana")) == "state_in_use"
    set_account(database, "ben")
    assert accounts(database) == ["ben"]


def test_who_waits_while_the_database_is_away_fails_with_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = list[str]()

    def refused(address: str) -> NoReturn:
        tried.append(address)
        raise psycopg.errors.ConnectionTimeout("away")

    monkeypatch.setattr(connections, "connect", refused)
    opening, asked = connections.Opening("postgresql:///x"), 0
    for _ in range(3):  # all three had begun to wait before the first failed
        with pytest.raises(psycopg.errors.ConnectionTimeout, match="away"):
            opening(asked)
    assert len(tried) == 1 and str(opening.trouble) == "away"
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        opening(opening.failures)
    assert len(tried) == 2


@pytest.mark.parametrize(
    "address", ["postgresql://a:canary%zz@h/x", "postgresql://a:canary@h/x?y=canary", "canary x"]
)
def test_what_is_said_of_a_wrong_address_has_no_password(address: str, tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as caught:
        PostgresDatabase.open(address, str(tmp_path))
    assert caught.value.problem.code == "bad_settings"
    assert "canary" not in "".join(traceback.format_exception(caught.value))


class _Faster(list[Any]):
    """Looks full; but another thread takes what is there first."""

    def __bool__(self) -> bool:
        return True


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_another_thread_may_take_the_last_reader(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    opened: SqliteDatabase | PostgresDatabase
    if kind == "sqlite":
        opened = SqliteDatabase.open(str(tmp_path / "state.db"), "server")
    else:
        opened = request.getfixturevalue("database")
    opened._readers._free = _Faster()
    with opened, opened.read(long=True) as connection:
        assert connection.execute("SELECT count(*) FROM account").fetchone() == (0,)
        opened._readers._free = []
