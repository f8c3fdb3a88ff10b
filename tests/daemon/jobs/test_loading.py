"""Job files read again: what each edit of the folder does to the jobs that run."""

import json
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.job import JobSettings, load_job
from cargo_sync.config.job_folder import job_files
from cargo_sync.daemon.jobs.loading import JobFiles, JobsRead


class Folder:
    """A folder of job files, read as a daemon reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = JobFiles.folder(str(path), {})
        self.running: tuple[JobSettings, ...] = ()

    def write(self, file: str, name: str, **changes: Any) -> None:
        content = {
            "sync_name": name, "sync_mode": "upload", "local_dir": f"/data/{name}",
            "hostname": "https://files.example.org", "username": "ana", "password": "canary-77",
        }  # fmt: skip
        (self.path / f"{file}.json").write_text(json.dumps(content | changes))

    def read(self) -> JobsRead:
        reading = self.files.read(self.running)
        self.running = reading.jobs
        return reading

    def names(self) -> list[str]:
        return [job.name for job in self.read().jobs]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_files_come_and_go(folder: Folder) -> None:
    assert folder.names() == []
    folder.write("one", "b")
    folder.write("two", "a")
    assert folder.names() == ["a", "b"]
    (folder.path / "one.json").unlink()
    assert folder.names() == ["a"]


def test_a_bad_file_leaves_its_job_as_it_was(folder: Folder) -> None:
    folder.write("one", "a", sleep=5)
    folder.write("two", "b")
    assert folder.names() == ["a", "b"]
    folder.write("one", "a", sleep=-1)
    reading = folder.read()
    assert [(job.name, job.sleep) for job in reading.jobs] == [("a", 5.0), ("b", 3.0)]
    [error] = reading.errors
    assert "sleep" in str(error) and "one.json" in str(error)


def test_a_file_that_breaks_the_reader_harms_no_other(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    def load(path: str) -> JobSettings:
        if path.endswith("one.json"):
            raise RuntimeError("nobody foresaw this")
        return load_job(path, {})

    folder.write("one", "a")
    folder.write("two", "b")
    files = JobFiles(lambda: job_files(str(folder.path)), {}, load=load)
    reading = files.read()
    assert [job.name for job in reading.jobs] == ["b"]
    assert "one.json: cannot be read: internal error: RuntimeError" in str(reading.errors[0])
    assert "nobody foresaw this" in caplog.text


def test_a_bad_file_that_never_was_good_has_no_job(folder: Folder) -> None:
    folder.write("one", "a", sleep=-1)
    assert folder.names() == []


def test_a_newcomer_never_displaces_a_job_that_runs(folder: Folder) -> None:
    folder.write("b", "nightly")
    assert folder.names() == ["nightly"]
    folder.write("a", "nightly", local_dir="/elsewhere")
    reading = folder.read()
    assert [Path(job.file).name for job in reading.jobs] == ["b.json"]
    [error] = reading.errors
    assert "a.json" in str(error) and "b.json" in str(error)


def test_a_change_that_clashes_leaves_the_job_as_it_was(folder: Folder) -> None:
    folder.write("a", "a")
    folder.write("b", "b")
    assert folder.names() == ["a", "b"]
    folder.write("b", "b", local_dir="/data/a/below")
    reading = folder.read()
    assert [job.local_dir for job in reading.jobs] == ["/data/a", "/data/b"]
    assert "overlaps" in str(reading.errors[0])


def test_a_folder_that_cannot_be_listed_changes_nothing(folder: Folder, tmp_path: Path) -> None:
    folder.write("a", "a")
    running = folder.read().jobs
    (tmp_path / "file").write_text("")
    reading = JobFiles.folder(str(tmp_path / "file"), {}).read(running)
    assert reading.jobs == running and len(reading.errors) == 1


def test_one_file_alone(folder: Folder) -> None:
    folder.write("a", "a")
    folder.write("b", "b")
    first, second = folder.read().jobs
    folder.write("a", "a", speed="1mbps")
    assert folder.files.read_one(first, [first, second]).speed == 1_000_000
    folder.write("a", "b")
    with pytest.raises(ConfigError, match=r"also the name of the job in .*b\.json"):
        folder.files.read_one(first, [first, second])
    (folder.path / "a.json").unlink()
    with pytest.raises(ConfigError, match="not there any more"):
        folder.files.read_one(first, [first, second])


def test_what_cannot_run_has_a_row(folder: Folder) -> None:
    folder.write("one", "a")
    folder.write("two", "b", local_dir="/data/a/below")
    folder.write("three", "a")
    (folder.path / "typo.json").write_text("{nope")
    reading = folder.read()
    assert [job.name for job in reading.jobs] == ["a"]
    found = {job.file.removeprefix(f"{folder.path}/"): job.name for job in reading.unusable}
    assert found == {"three.json": "a", "two.json": "b", "typo.json": "typo"}
    assert {job.code for job in reading.unusable} == {"bad_settings"}
    assert reading.outdated == {}


def test_a_running_job_with_a_bad_file_says_that_it_is_outdated(folder: Folder) -> None:
    folder.write("one", "a")
    folder.read()
    folder.write("one", "a", sleep="x")
    reading = folder.read()
    assert [job.name for job in reading.jobs] == ["a"]
    assert reading.unusable == ()
    [(file, why)] = reading.outdated.items()
    assert file == str(folder.path / "one.json")
    assert "sleep: must be a number" in why


def test_files_that_are_not_read_because_of_their_names_are_told(folder: Folder) -> None:
    folder.write("one", "a")
    (folder.path / "one.json").rename(folder.path / "One.JSON")
    for name in ("b.json5", "C.JSONC", "d.json.txt", "notes.txt", ".e.json5", "f.password"):
        (folder.path / name).write_text("{}")
    reading = folder.files.read()
    assert [job.name for job in reading.jobs] == ["a"]
    assert [str(one).removeprefix(f"{folder.path}/") for one in reading.ignored] == [
        f"{name}: is not read (the name of a job file ends with .json)"
        for name in ("C.JSONC", "b.json5", "d.json.txt")
    ]


def test_a_folder_that_is_gone_is_no_folder_without_jobs(folder: Folder) -> None:
    assert folder.files.read(()) == JobsRead(())
    folder.write("one", "a")
    folder.read()
    (folder.path / "one.json").unlink()
    folder.path.rmdir()
    reading = folder.read()
    assert [job.name for job in reading.jobs] == ["a"]
    [row] = reading.unusable
    assert (row.name, row.file) == (folder.path.name, str(folder.path))
    assert "is not there any more; its jobs go on" in row.detail
    folder.path.mkdir()
    assert folder.names() == []
