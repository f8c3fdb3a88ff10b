"""A folder of job files: each file alone, then files that clash with others."""

from pathlib import Path

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.jobs.loading import JobFiles
from tests.config.samples import job, write


def load_jobs(folder: str) -> tuple[tuple[JobSettings, ...], tuple[ConfigError, ...]]:
    reading = JobFiles.folder(folder, {}).read()
    return reading.jobs, reading.errors


def test_one_bad_file_harms_no_other(tmp_path: Path) -> None:
    write(tmp_path, job(sync_name="a", local_dir="/srv/a"), "a.json")
    write(tmp_path, job(sync_name="b", local_dir="/srv/b", speed="x"), "b.json")
    write(tmp_path, "{", "c.json")
    write(tmp_path, job(sync_name="d", local_dir="/srv/d"), "d.json")
    write(tmp_path, "{", ".hidden.json")
    write(tmp_path, "{", "notes.txt")
    jobs, errors = load_jobs(str(tmp_path))
    assert [job.name for job in jobs] == ["a", "d"]
    assert [Path(error.problems[0].file).name for error in errors] == ["b.json", "c.json"]


def test_two_jobs_of_one_name_and_overlapping_folders(tmp_path: Path) -> None:
    files = [
        ("1.json", "one", "/srv/a", True),
        ("2.json", "one", "/srv/b", True),
        ("3.json", "three", "/srv/a/inner", True),
        ("4.json", "four", "/srv/ab", True),
        ("5.json", "five", "/srv", True),
        ("6.json", "six", "/srv/a", False),
    ]
    for file, name, folder, enabled in files:
        write(tmp_path, job(sync_name=name, local_dir=folder, enabled=enabled), file)
    jobs, errors = load_jobs(str(tmp_path))
    assert [job.name for job in jobs] == ["four", "one", "six"]
    once = "(a folder belongs to one job)"
    first = '/srv/a of the job "one" in 1.json ' + once
    assert [str(error).replace(f"{tmp_path}/", "") for error in errors] == [
        '2.json: sync_name: "one" is also the name of the job in 1.json (rename one of them)',
        "3.json: local_dir: /srv/a/inner overlaps with " + first,
        "5.json: local_dir: /srv overlaps with " + first + "\n"
        '5.json: local_dir: /srv overlaps with /srv/ab of the job "four" in 4.json ' + once,
    ]


def test_a_link_does_not_hide_an_overlap(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write(tmp_path, job(sync_name="a", local_dir="real"), "a.json")
    write(tmp_path, job(sync_name="b", local_dir="link"), "b.json")
    jobs, errors = load_jobs(str(tmp_path))
    assert ([job.name for job in jobs], len(errors)) == (["a"], 1)


def test_folders_that_are_not_there_or_none(tmp_path: Path) -> None:
    assert load_jobs(str(tmp_path / "missing")) == ((), ())
    jobs, [error] = load_jobs(write(tmp_path, {}))
    assert jobs == ()
    assert str(error).endswith("file.json: cannot be listed: Not a directory")
