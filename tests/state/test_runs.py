from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.model.jobs import LastRun
from cargo_sync.state import runs
from cargo_sync.state.database import Database
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.runs import RunRows
from cargo_sync.state.sqlite.database import SqliteDatabase


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "daemon") as one:
        yield one


def test_a_jobs_runs_come_newest_first(database: Database) -> None:
    jobs, rows = JobRows(database), RunRows(database)
    for name in ("a", "b"):
        jobs.get_or_create(name)
    for number in range(5):
        jobs.set_last_run("a", LastRun(f"run {number}", float(number), number + 1.0, number))
    jobs.set_last_run("b", LastRun("other", 0.0, 1.0))
    jobs.set_last_run("a", LastRun("run 4", 4.0, 9.0, 44, problem="why"))
    assert [row.run for row in rows.page("a", None, 2)] == ["run 4", "run 3"]
    last = rows.page("a", None, 2)[-1]
    assert [row.run for row in rows.page("a", last.number, 9)] == ["run 2", "run 1", "run 0"]
    found = rows.get("run 4")
    assert found is not None and (found.job, found.files, found.problem) == ("a", 44, "why")
    assert rows.get("none") is None and rows.page("none", None, 9) == []


def test_only_the_newest_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST", 3)
    jobs, rows = JobRows(database), RunRows(database)
    for name in ("a", "b"):
        jobs.get_or_create(name)
        for number in range(5):
            jobs.set_last_run(name, LastRun(f"{name}{number}", 0.0, 1.0))
    assert [row.run for row in rows.page("a", None, 9)] == ["a4", "a3", "a2"]
    assert len(rows.page("b", None, 9)) == 3
