"""One run of one job, on memory trees: when it is over, and what it says."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.daemon.job.status import Advance
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.daemon.jobs.unusable import UnusableJob
from cargo_sync.daemon.one_run import RunOnce, RunOnceResult
from cargo_sync.machines.one_run import PATIENCE as PATIENCE_OF_A_RUN
from cargo_sync.machines.one_run import RunVerdict
from cargo_sync.model.problems import Code, Problem
from tests.daemon.house import NEVER, PATIENCE, House, going
from tests.virtual import run

AWAY = Problem(Code.UNREACHABLE, "nobody answers")


class Parts:
    """A daemon with one job; `due` callbacks are sent, one at each look."""

    def __init__(self, job: Supervisor | None, house: House) -> None:
        self.all: Mapping[str, Job] = {}
        self.unusable: Mapping[str, UnusableJob] = {}
        self.due = 2
        if job is not None:
            self.all = {job.name: Job(job, JobSampler(job, house.world()), None)}  # type: ignore[arg-type]

    async def has_callbacks_due(self) -> bool:
        self.due -= 1
        return self.due > 0


def quiet(_: Advance, __: str) -> None:
    """Shows nothing."""


async def once(
    house: House, timeout: float | None = None, approve: str | None = None, **changes: object
) -> RunOnceResult:
    one = RunOnce(approve, timeout, quiet)
    job = house.job("nightly", one, **changes)
    one.begin()
    async with going(job), asyncio.timeout(PATIENCE):
        await one.run(Parts(job, house), asyncio.get_running_loop().time)
    assert one.result is not None
    return one.result


async def test_all_is_well(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.job()
    house.near["nightly"].write("a", b"12")
    house.near["nightly"].write("b", b"3")
    result = await once(house)
    assert (result.verdict, result.files, result.bytes, result.left) == (
        RunVerdict.SYNCED,
        2,
        3,
        False,
    )
    again = await once(house)
    assert (again.verdict, again.files) == (RunVerdict.SYNCED, 0), (
        "what moved before does not count"
    )


async def test_nobody_answers(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.job()
    house.far["nightly"].away = AWAY
    result = await once(house)
    assert (result.verdict, result.detail) == (RunVerdict.AWAY, "nobody answers")


@pytest.mark.parametrize(
    ("back_after", "verdict"), [(5.0, RunVerdict.SYNCED), (NEVER, RunVerdict.AWAY)]
)
def test_a_server_that_ends_in_the_middle_is_waited_for_and_that_is_told(
    tmp_path: Path, back_after: float, verdict: RunVerdict
) -> None:
    house, said = House(tmp_path), list[str]()
    house.job()
    house.near["nightly"].write("a", b"12")
    far = house.far["nightly"]
    far.away = Problem(Code.ELSEWHERE, "it is about to end")

    async def story() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(back_after, setattr, far, "away", None)
        one = RunOnce(None, None, lambda _, why: said.append(why))
        job = house.job("nightly", one)
        one.begin()
        async with going(job):
            await one.run(Parts(job, house), asyncio.get_running_loop().time)
        assert one.result is not None and one.result.verdict is verdict
        return loop.time()

    took = run(story())
    assert set(said) == {"it is about to end"}
    if verdict is RunVerdict.SYNCED:
        assert far.files() and took < 2 * back_after
    else:
        assert PATIENCE_OF_A_RUN <= took < 2 * PATIENCE_OF_A_RUN


async def test_what_is_held_passes_by_its_id(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.job()
    near, far = house.near["nightly"], house.far["nightly"]
    for number in range(40):
        near.write(f"{number:02}", b"1")
    assert (await once(house, delete="propagate")).verdict is RunVerdict.SYNCED
    for number in range(30):
        near.remove(f"{number:02}")
    held = await once(house, delete="propagate")
    assert held.verdict is RunVerdict.HELD and len(held.holds) == 1 and held.detail
    assert len(far.files()) == 40
    other = await once(house, approve="none", delete="propagate")
    assert other.verdict is RunVerdict.FAILED and "nothing with the id 'none'" in other.detail
    passed = await once(house, approve=held.holds[0], delete="propagate")
    assert passed.verdict is RunVerdict.SYNCED and len(far.files()) == 10


async def test_it_stops_when_the_time_is_over(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.job()
    house.near["nightly"].write("a", b"1")
    house.far["nightly"].stuck = True
    result = await once(house, timeout=0.05)
    assert result.verdict is RunVerdict.UNFINISHED and "the time was over" in result.detail


async def test_a_job_that_may_not_run(tmp_path: Path) -> None:
    house = House(tmp_path)
    result = await once(house, enabled=False)
    assert (result.verdict, result.state) == (RunVerdict.UNFINISHED, "disabled")
    house.jobs.get_or_create("nightly")
    house.jobs.set_paused("nightly", True)
    assert (await once(house)).state == "paused"


async def test_a_job_that_cannot_be_started(tmp_path: Path) -> None:
    one, parts = RunOnce(None, None, quiet), Parts(None, House(tmp_path))
    parts.unusable = {"a": UnusableJob("a", "a.json", "internal", ("the state is read-only",))}
    one.begin()
    await one.run(parts, asyncio.get_running_loop().time)
    assert one.result is not None
    assert (one.result.verdict, one.result.detail) == (RunVerdict.FAILED, "the state is read-only")
