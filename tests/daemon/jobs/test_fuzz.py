"""Generated job files: what is wrong with one is said in a sentence, and the others are read.

`make fuzz` puts many more of them into the folder of a real daemon: tests/e2e/test_fuzz_jobs.py.
"""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.daemon.jobs.loading import JobFiles
from tests.daemon.jobs.mutations import JobFileMutations, traps

FILES = 120


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder in which a socket can be."""
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        yield Path(folder)


def test_each_file_is_a_job_or_has_an_error_that_names_it(
    short: Path, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = short / "jobs"
    jobs.mkdir()
    traps(short)
    source = JobFileMutations(1, short)
    (jobs / "0.json").symlink_to(short / "pipe")
    for _ in range(FILES):
        name, content = source.file()
        (jobs / name).write_bytes(content)
    with caplog.at_level(logging.ERROR):
        read = JobFiles.folder(str(jobs), {"HOME": str(short)}).read()
    assert not any(record.exc_info for record in caplog.records), "nobody foresaw it"
    named = {error.problems[0].file for error in read.errors}
    good = {job.file for job in read.jobs}
    assert named | good == {str(path) for path in jobs.iterdir()}
    assert not named & good
    assert len(good) > FILES / 20
    assert {job.file for job in read.unusable} == named
