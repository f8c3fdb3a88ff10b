"""A state of the first version, with rows in every table, opened by today's release."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.config.grants import Grant
from cargo_sync.machines.newest_change import SeenChange
from cargo_sync.model import agreed, entries, paths
from cargo_sync.model.checkpoints import Span
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.events import Event, Happened
from cargo_sync.model.jobs import LastRun
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.accounts import Accounts
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.database import Schema
from cargo_sync.state.events import Events
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import Binding, JobRows
from cargo_sync.state.planned import Planned
from cargo_sync.state.replies import Replies
from cargo_sync.state.sqlite import migrations
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.upkeep import empty_log
from cargo_sync.state.workspaces import WorkspaceRows
from tests.state.crash import Images

pytestmark = pytest.mark.sqlite

IDS = {"daemon": 0x43524744, "server": 0x43524753}
ENTRY = Entry("a.txt", FILE, 7, 5, 0o644, 3, 4, "ab" * 32, "")
AGREED = agreed.agree(ENTRY, ENTRY, "ab" * 32)
LISTING = entries.encode((ENTRY,))
BASE = agreed.encode((AGREED,))


def first(schema: Schema) -> str:
    return migrations.scripts(schema)[0]


def fill_daemon(database: sqlite3.Connection) -> None:
    binding = '{"near":"dev 1","far":"https://x ana default /","epoch":"e"}'
    database.execute(
        "INSERT INTO job VALUES (3, 'nightly', 1, ?, 42, 'line', 'rules', '{\"files\":7}')",
        (binding,),
    )
    database.execute(
        "INSERT INTO folder VALUES (3, ?, 1, 5, 1, 7, ?, ?, ?)",
        (paths.key("sub"), LISTING, LISTING, BASE),
    )
    database.execute("INSERT INTO transfer VALUES (3, 'big.bin', '9/1', ?)", ("77" * 16,))
    database.execute("INSERT INTO planned_run VALUES ('run1', 'nightly', 99.0, '{\"put\":1}')")
    database.execute(
        "INSERT INTO planned_action VALUES ('run1', 1, ?)",
        ('["put","sub/a.txt",null,null,"new",false,""]',),
    )
    database.executemany(
        "INSERT INTO event (job, happened, time, path, size, details) "
        "VALUES ('nightly', ?, ?, ?, 7, '{}')",
        [("uploaded", 10.0 + number, f"{number}.txt") for number in range(30)],
    )
    fill_shared(database)


def fill_server(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO account VALUES ('ana', '$argon2id$kept')")
    database.execute("INSERT INTO workspace VALUES (2, '/srv/ana', 'mark', 'e', 9)")
    database.execute("INSERT INTO lineage VALUES (2, 1, 'line')")
    row = "INSERT INTO entry VALUES (2, ?, ?, ?, ?, ?, 7, 5, 420, 1, 1, '', '', ?)"
    database.execute(row, (paths.key("sub"), b"", 7, 7, FOLDER, 0))
    database.execute(row, (paths.key("sub/a.txt"), paths.key("sub"), 8, 8, FILE, 0))
    database.execute(row, (paths.key("gone"), b"", 9, 2, FILE, 1))
    database.execute("INSERT INTO event (job, happened, time, path, size, details) "
                     "VALUES ('', 'deleted', 1.0, 'gone', 0, '{}')")  # fmt: skip
    fill_shared(database)


def fill_shared(database: sqlite3.Connection) -> None:
    spans = b"\x00" * 8 + (7).to_bytes(8, "little") + b"h" * 16
    database.execute(
        "INSERT INTO checkpoint VALUES (?, 'big.bin', 9, '[1,70,5]', ?, 50.0)", ("77" * 16, spans)
    )
    database.execute("INSERT INTO reply VALUES ('id1', ?, 100.0)", (b'{"ok":true}',))


FILL = {"daemon": fill_daemon, "server": fill_server}


def old(path: Path, schema: Schema) -> dict[str, list[tuple[object, ...]]]:
    """Makes the file as the first release left it, some of it in the log (-wal) still; its
    tables."""
    source = path.with_name("source.db")
    with closing(sqlite3.connect(source, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute(f"PRAGMA application_id = {IDS[schema]}")
        database.executescript(first(schema))
        database.execute("PRAGMA user_version = 1")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        FILL[schema](database)
        for part in ("", "-wal"):  # as a kill leaves them
            shutil.copyfile(f"{source}{part}", f"{path}{part}")
        return tables(database)


def tables(database: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    names = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    )
    return {
        name: database.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names.fetchall()
    }


def read_tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as database:
        return tables(database)


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return migrations.version(database)


def copies(path: Path) -> dict[str, int]:
    return {
        each.name: version(each)
        for each in path.parent.glob(f"{path.name}.*")
        if each.suffix != ".lock"
    }


@pytest.fixture(params=["daemon", "server"])
def schema(request: pytest.FixtureRequest) -> Iterator[Schema]:
    yield request.param


def test_every_table_of_the_first_version_is_filled(tmp_path: Path, schema: Schema) -> None:
    assert all(old(tmp_path / "state.db", schema).values())


def test_a_daemons_first_state_works_on(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    old(path, "daemon")
    with SqliteDatabase.open(str(path), "daemon") as database:
        jobs = JobRows(database)
        job = jobs.get_or_create("nightly")
        assert (job.id, job.paused, job.far_cursor) == (3, True, 42)
        assert job.far_newest == SeenChange(42, "line")
        assert job.binding == Binding("dev 1", "https://x ana default /", "e")
        assert (job.rules, job.last_run) == ("rules", LastRun(files=7))
        folders = Folders(database, 3)
        near, far, base = folders.entry("sub/a.txt")
        assert (near, far, base) == (ENTRY, ENTRY, AGREED)
        assert folders.counts() == (1, 7) and folders.unsettled(None, None, 9) == []
        events = Events(database)
        assert [row.cursor for row in events.since(28, 9)] == [29, 30]
        assert events.append([Event("nightly", Happened.FAILED, 99.0)]) == 31
        checkpoint = Checkpoints(database, lambda: 0.0).get("77" * 16)
        assert checkpoint is not None and checkpoint.spans == (Span(0, 7, b"h" * 16),)
        page = Planned(database).page("run1", 0, 9)
        assert page is not None and [one.action.path for one in page.actions] == ["sub/a.txt"]
        assert Replies(database, lambda: 0.0).get("id1") == b'{"ok":true}'
        jobs.miss([], 5.0)


def test_a_servers_first_state_works_on(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    old(path, "server")
    with SqliteDatabase.open(str(path), "server") as database:
        assert Accounts(database).get("ana") == "$argon2id$kept"
        catalogue = StoredCatalogue(database)
        known = catalogue.workspace("/srv/ana", lambda: "no")
        assert (known.id, known.marker, known.epoch, known.sequence, known.floor) == (
            2,
            "mark",
            "e",
            9,
            0,
        )
        page = catalogue.changes(2, 0, "", 10)
        assert [(path, entry and entry.version) for path, entry in page.rows] == [
            ("sub", 7), ("sub/a.txt", 8), ("gone", None),
        ]  # fmt: skip
        assert page.lineage == "line"
        catalogue.mark(1.0, 0.0)
        assert not catalogue.forget_gone(2.0, 10)
        assert not catalogue.changes(2, 8, "", 10).rows


def test_grants_stay(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    scripts = migrations.scripts("server")
    before = next(at for at, script in enumerate(scripts) if "RENAME TO workspace_grant" in script)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"PRAGMA application_id = {IDS['server']}")
        for number in range(before):
            migrations.apply(database, number + 1, scripts[number])
        database.execute("INSERT INTO workspace_grant VALUES ('music', 'ana', 'ro')")
    with SqliteDatabase.open(str(path), "server") as opened:
        assert WorkspaceRows(opened).all()["music"].grants == {"ana": Grant("ro")}


def test_the_file_as_it_was_is_kept_and_only_the_last_one(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "state.db"
    before = old(path, schema)
    known = len(migrations.scripts(schema))
    with SqliteDatabase.open(str(path), schema) as database:
        assert copies(path) == {"state.db.v1": 1}
        assert read_tables(tmp_path / "state.db.v1") == before
        assert stat.S_IMODE((tmp_path / "state.db.v1").stat().st_mode) == 0o600
        database.migrate([*migrations.scripts(schema), "CREATE TABLE more (a);\n"])
        assert copies(path) == {f"state.db.v{known}": known}
    assert version(path) == known + 1


def test_going_back(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "state.db"
    before = old(path, schema)
    SqliteDatabase.open(str(path), schema).close()
    os.replace(tmp_path / "state.db.v1", path)
    assert (version(path), read_tables(path)) == (1, before)


def test_an_upgraded_file_can_give_space_back(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    old(path, "daemon")
    with SqliteDatabase.open(str(path), "daemon") as database:
        events = Events(database)
        for _ in range(20):
            events.append(
                [Event("nightly", Happened.UPLOADED, 0.0, "x" * 3000) for _ in range(300)]
            )
        while events.prune(0.0, keep=0):
            pass
        empty_log(database)
        before = path.stat().st_size
        while database.shrink():
            pass
        empty_log(database)
        assert path.stat().st_size < before / 2
        assert os.stat(f"{path}-wal").st_size == 0


def test_a_kill_at_any_statement_leaves_one_version_or_the_other(
    tmp_path: Path, schema: Schema
) -> None:
    known = len(migrations.scripts(schema))
    place = tmp_path / "state"
    place.mkdir()
    before = old(place / "state.db", schema)
    images = Images(place, tmp_path / "images", on=True)
    SqliteDatabase.open(str(place / "state.db"), schema, images).close()
    for image in images.kept:
        path = image / "state.db"
        assert (version(path), read_tables(path)) == (1, before)
        with SqliteDatabase.open(str(path), schema):
            assert version(image / "state.db.v1") == 1
            assert not (image / "state.db.copy").exists()
        assert version(path) == known
    assert images.points > known
    assert len(images.kept) == 2, "without the copy, and with it"


def test_without_room_for_the_copy_nothing_is_changed(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "state.db"
    before = old(path, schema)

    def full(sql: str) -> None:
        if sql.startswith("VACUUM INTO"):
            raise OSError(28, "No space left on device")

    with pytest.raises(ProblemError) as caught:
        SqliteDatabase.open(str(path), schema, full)
    assert caught.value.problem.code == "disk_full"
    assert str(caught.value) == (
        f"{str(path)!r} was not upgraded: there is no room for a copy of it "
        "(free as much space as the file uses, then start again)"
    )
    assert (version(path), read_tables(path), copies(path)) == (1, before, {})
