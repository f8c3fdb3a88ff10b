"""A snapshot of a running server."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.snapshots.making import copy_state
from tests.stores.snapshots.lost import KEY, LostServer


def test_a_copy_is_the_state_of_one_moment_and_no_writer_waits(tmp_path: Path) -> None:
    """Two tables always grow together; while it is copied they grow, too."""
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        with database.transaction() as connection:
            connection.execute("CREATE TABLE one (id INTEGER PRIMARY KEY, content BLOB)")
            connection.execute("CREATE TABLE other (id INTEGER PRIMARY KEY, content BLOB)")

        def grow(by: int) -> None:
            with database.transaction() as connection:
                for table in ("one", "other"):
                    for _ in range(by):
                        connection.execute(f"INSERT INTO {table} (content) VALUES (zeroblob(4000))")

        grow(5_000)
        steps = 0

        def going() -> bool:
            nonlocal steps
            steps += 1
            writer = threading.Thread(target=grow, args=[10])  # another thread, as in a server
            writer.start()
            writer.join(60)
            return not writer.is_alive()

        copy_state(database.path, str(tmp_path / "copy"), going)
        assert steps > 1
        with closing(sqlite3.connect(tmp_path / "copy")) as copy:
            counts = [
                copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("one", "other")
            ]
            assert counts == [5_000, 5_000]
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_nothing_stays_readable_beside_a_snapshot(tmp_path: Path) -> None:
    lost = LostServer(tmp_path)
    with closing(lost.database):
        made = lost.made()
        folder = Path(made.path).parent
        assert [path.name for path in folder.iterdir()] == ["sealed"]
        content = Path(made.path).read_bytes()
        for secret in (b"secret a", b"a key", b"a CURVE pair", KEY.sealing):
            assert secret not in content
        assert made.snapshot.number == 1 and lost.made().snapshot.number == 2
        lost.maker.clear()
        assert not folder.exists()


def test_a_stamp_changes_with_what_a_snapshot_is_for(tmp_path: Path) -> None:
    lost = LostServer(tmp_path)
    with closing(lost.database):
        stamps = [lost.made().stamp, lost.made().stamp]
        assert stamps[0] == stamps[1] == lost.maker.stamp(lost.rows.stamp())
        lost.file.write_text("{}")
        stamps.append(lost.made().stamp)
        with lost.database.transaction() as connection:
            connection.execute("INSERT INTO workspace (root, epoch) VALUES ('r', 'e')")
        stamps.append(lost.made().stamp)
        assert len(set(stamps)) == 3


def test_a_server_that_stops_does_not_wait_for_it(tmp_path: Path) -> None:
    lost = LostServer(tmp_path)
    with closing(lost.database):
        row = lost.rows.begin()
        assert row is not None
        for steps in range(3):
            left = iter([True] * steps)
            with pytest.raises(ProblemError) as stopped:
                lost.maker.make(row, "", lambda left=left: next(left, False))  # type: ignore[misc]
            assert stopped.value.problem.code == Code.STOPPED
        assert lost.made().snapshot.number == 2


class KilledError(BaseException):
    """The process is gone."""


def test_a_kill_at_any_step_costs_nothing(tmp_path: Path) -> None:
    """What is left of it is in the way of nobody, and its number is never used again."""
    lost = LostServer(tmp_path)

    def killed(steps: int) -> Callable[[], bool]:
        left = iter(range(steps))

        def going() -> bool:
            if next(left, None) is None:
                raise KilledError
            return True

        return going

    with closing(lost.database):
        numbers = []
        for steps in range(10):
            row = lost.rows.begin()
            assert row is not None
            try:
                numbers.append(lost.maker.make(row, "", killed(steps)).snapshot.number)
                break
            except KilledError:
                numbers.append(lost.made().snapshot.number)
        assert steps > 2 and len(set(numbers)) == len(numbers)
        assert sorted(numbers) == numbers
