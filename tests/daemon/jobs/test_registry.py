"""The set of jobs: each edit changes its own job and no other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cargo_sync.api.messages import ControlError
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.jobs.loading import JobFiles, JobsRead
from cargo_sync.daemon.jobs.registry import Jobs
from tests.daemon.house import House, settings, until


class Files(JobFiles):
    """Files in memory."""

    def __init__(self, *jobs: JobSettings) -> None:
        super().__init__(list, {})
        self.jobs = list(jobs)
        self.error: ConfigError | None = None

    def read(self, running: object = ()) -> JobsRead:
        return JobsRead(tuple(self.jobs), (self.error,) if self.error else ())

    def read_one(self, job: JobSettings, running: object) -> JobSettings:
        if self.error is not None:
            raise self.error
        return next(one for one in self.jobs if one.file == job.file)


@contextlib.asynccontextmanager
async def jobs_of(house: House, files: Files, gone: list[str]) -> AsyncIterator[Jobs]:
    async with asyncio.TaskGroup() as group:
        jobs = Jobs(files, house.build, house.world(), group, gone.append)
        await jobs.read()
        yield jobs
        for job in jobs.all.values():
            job.task.cancel()


async def test_what_did_not_change_is_not_touched(tmp_path: Path) -> None:
    house, gone = House(tmp_path), list[str]()
    files = Files(settings("a"), settings("b"), settings("c"))
    async with jobs_of(house, files, gone) as jobs:
        before = {name: job.supervisor for name, job in jobs.all.items()}
        await until(lambda: {job.state for job in before.values()} == {"synced"})
        files.jobs = [settings("a"), settings("b", sleep=99.0), settings("d")]
        results, errors = await jobs.read()
        assert results == {"a": "unchanged", "b": "changed", "c": "removed", "d": "added"}
        assert (errors, gone) == ((), ["c"])
        assert jobs.all["a"].supervisor is before["a"]
        assert jobs.all["b"].supervisor is not before["b"]
        assert house.far["c"].closed and not house.far["a"].closed


async def test_one_file_read_again(tmp_path: Path) -> None:
    house, gone = House(tmp_path), list[str]()
    files = Files(settings("a"), settings("b"))
    async with jobs_of(house, files, gone) as jobs:
        other = jobs.all["b"].supervisor
        assert await jobs.read_one("a") == "a"
        files.jobs[0] = replace(settings("new name"), file=settings("a").file)
        assert await jobs.read_one("a") == "new name"
        assert (sorted(jobs.all), gone) == (["b", "new name"], ["a"])
        files.error = ConfigError([FieldProblem("/jobs/b.json", "speed", 3, "is not a speed")])
        with pytest.raises(ControlError, match="speed: is not a speed"):
            await jobs.read_one("b")
        assert jobs.all["b"].supervisor is other


async def test_a_job_that_there_is_not(tmp_path: Path) -> None:
    async with jobs_of(House(tmp_path), Files(settings("nightly")), []) as jobs:
        with pytest.raises(ControlError) as caught:
            jobs.get("nigthly")
    assert (caught.value.code, caught.value.hint) == ("unknown_job", 'did you mean "nightly"?')
