"""The set of jobs: each edit changes its own job and no other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.api.arguments import Args
from cargo_sync.api.job_commands import OneJob, OneOrAllJobs
from cargo_sync.api.messages import ControlError
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import JobSettings
from cargo_sync.control.routes import routed
from cargo_sync.daemon.handlers.jobs.job import JobHandlers
from cargo_sync.daemon.handlers.replaced import AfterReplacement
from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.daemon.jobs import registry
from cargo_sync.daemon.jobs.loading import JobFiles, JobsRead
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.model.problems import Code, Problem, ProblemError
from tests.daemon.house import PATIENCE, House, settings, until


class Files(JobFiles):
    """Files in memory."""

    def __init__(self, *jobs: JobSettings) -> None:
        super().__init__(list, {})
        self.jobs = list(jobs)
        self.error: ConfigError | None = None
        self.ignored: tuple[FieldProblem, ...] = ()

    def read(self, running: object = ()) -> JobsRead:
        errors = (self.error,) if self.error else ()
        return JobsRead(tuple(self.jobs), errors, ignored=self.ignored)

    def read_one(self, job: JobSettings, running: object) -> JobSettings:
        if self.error is not None:
            raise self.error
        return next(one for one in self.jobs if one.file == job.file)


@contextlib.asynccontextmanager
async def jobs_of(house: House, files: Files, gone: list[str]) -> AsyncIterator[Jobs]:
    async with asyncio.TaskGroup() as group:
        jobs = Jobs(files, house.build, house.world(), group, gone.append, house.refuse)
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


async def test_a_file_that_is_not_read_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house, files = House(tmp_path), Files(settings("a"))
    files.ignored = (FieldProblem("b.json5", "", None, "is not read"),)
    async with jobs_of(house, files, []) as jobs:
        await jobs.read()
        assert [one.getMessage() for one in caplog.records].count("b.json5: is not read") == 1


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


class Slow(House):
    """A house that builds jobs when it may."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked, self.may = asyncio.Event(), asyncio.Event()
        self.may.set()

    async def build(self, wanted: JobSettings) -> tuple[Supervisor, JobSampler]:
        self.asked.set()
        await self.may.wait()
        return await super().build(wanted)


@pytest.mark.parametrize("one", [True, False], ids=["one", "all"])
async def test_an_order_to_a_job_that_is_read_again_is_for_the_new_one(
    tmp_path: Path, one: bool
) -> None:
    house, files = Slow(tmp_path), Files(settings("a"), settings("b"))
    async with jobs_of(house, files, []) as jobs:
        routes = routed([AfterReplacement([JobHandlers(jobs)], jobs.replacing)])

        async def order(name: str, args: Args) -> Any:
            return await routes[name].handler(args)

        files.jobs[0] = settings("a", sleep=99.0)
        house.asked.clear()
        house.may.clear()
        reading = asyncio.create_task(order("job.reload", OneOrAllJobs(job="a" if one else None)))
        await house.asked.wait()
        orders = [
            asyncio.create_task(order("job.pause", OneOrAllJobs(job=job))) for job in ("a", None)
        ]
        listed = await order("job.list", Args())
        assert [row["name"] for row in listed["jobs"]] == ["a", "b"], "it is no unknown job"
        assert (await order("job.show", OneJob(job="b")))["name"] == "b", "others do not wait"
        assert not any(task.done() for task in orders)
        house.may.set()
        await asyncio.gather(reading, *orders)
        assert jobs.all["a"].supervisor.settings.sleep == 99.0
        assert jobs.all["a"].supervisor.paused


async def test_a_job_that_there_is_not(tmp_path: Path) -> None:
    async with jobs_of(House(tmp_path), Files(settings("nightly")), []) as jobs:
        with pytest.raises(ControlError) as caught:
            jobs.get("nigthly")
    assert (caught.value.code, caught.value.hint) == ("unknown_job", 'did you mean "nightly"?')


class Faulty(House):
    """A house where the jobs in `broken` cannot be built."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.broken = {"b"}

    async def build(self, wanted: JobSettings) -> tuple[Supervisor, JobSampler]:
        if wanted.name in self.broken:
            raise RuntimeError("nobody foresaw this")
        return await super().build(wanted)


async def test_a_job_that_cannot_be_started_harms_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(registry, "AGAIN", 0.0)
    house, gone = Faulty(tmp_path), list[str]()
    files = Files(settings("a"), settings("b"), settings("c"))
    async with jobs_of(house, files, gone) as jobs:
        assert sorted(jobs.all) == ["a", "c"]
        before = jobs.all["a"].supervisor
        house.broken = {"b", "c"}
        files.jobs = [settings("a"), settings("b"), settings("c", sleep=99.0)]
        results, errors = await jobs.read()
        assert (results, sorted(jobs.all)) == ({"a": "unchanged"}, ["a"])
        assert [str(problem) for error in errors for problem in error.problems] == [
            f"/jobs/{name}.json: cannot be started: internal error: RuntimeError (see the log)"
            for name in ("b", "c")
        ]
        assert "nobody foresaw this" in caplog.text and "Traceback" in caplog.text
        files.jobs = files.jobs[:2]
        assert (await jobs.read())[0] == {"a": "unchanged", "c": "removed"}
        house.broken = set()
        await until(lambda: "b" in jobs.all, "it is tried again")
        assert sorted(jobs.all) == ["a", "b"]
        house.broken = {"a"}
        files.jobs[0] = settings("a", sleep=99.0)
        with pytest.raises(ControlError, match="cannot be started: internal error: RuntimeError"):
            await jobs.read_one("a")
        house.broken = set()
        await until(lambda: "a" in jobs.all, "it is tried again")
        assert jobs.all["a"].supervisor is not before and gone == ["c"]


async def test_a_state_that_cannot_be_written_is_that_jobs_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "AGAIN", 0.0)
    house = House(tmp_path)

    async def build(wanted: JobSettings) -> tuple[Supervisor, JobSampler]:
        if wanted.name == "b":
            raise ProblemError(Problem(Code.DISK_FULL, "the disk is full"))
        return await House.build(house, wanted)

    async with asyncio.TaskGroup() as group:
        files = Files(settings("a"), settings("b"))
        jobs = Jobs(files, build, house.world(), group, lambda name: None, house.refuse)
        _, errors = await jobs.read()
        assert str(errors[0].problems[0]) == "/jobs/b.json: cannot be started: the disk is full"
        assert list(jobs.all) == ["a"]
        [row] = jobs.unusable.values()
        assert (row.name, row.code, row.mode) == ("b", "disk_full", "upload")
        files.jobs = []
        await jobs.read()


async def test_a_job_that_crashes_while_it_ends_is_ended(tmp_path: Path) -> None:
    house, files = House(tmp_path), Files(settings("a"), settings("b"))
    async with jobs_of(house, files, []) as jobs:
        await until(lambda: {job.supervisor.state for job in jobs.all.values()} == {"synced"})

        async def broken() -> None:
            raise RuntimeError("nobody foresaw this")

        house.far["b"].close = broken  # type: ignore[method-assign]
        files.jobs = files.jobs[:1]
        async with asyncio.timeout(PATIENCE):
            assert (await jobs.read())[0] == {"a": "unchanged", "b": "removed"}
