"""Rates are counted from samples of runs and from their ends, each byte once."""

from pathlib import Path
from typing import Any

from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.daemon.reporting.listeners import Listeners
from cargo_sync.daemon.reporting.rates import JobRates
from cargo_sync.machines.rate_history import TEN_MINUTES
from tests.daemon.house import House, going, until


def moved(rates: JobRates, job: str | None) -> tuple[float, float]:
    """Bytes and files of the last ten minutes; the step under way may be shorter."""
    now, begun = rates._world.steady(), rates._begun
    history = rates._together if job is None else rates._of[job]
    samples = history.samples(TEN_MINUTES, now, begun)
    full = history._rings[TEN_MINUTES]
    assert len(samples.bits) == TEN_MINUTES.steps
    return round(sum(full._bytes)), round(sum(full._files))


async def test_runs_of_two_jobs(tmp_path: Path) -> None:
    house = House(tmp_path)
    jobs: dict[str, Job] = {}
    rates = JobRates(lambda: jobs, house.world())
    listeners = Listeners((rates, house.recorder))
    nightly, other = house.job("nightly", listeners), house.job("other", listeners)
    for name in ("a", "b", "c"):
        house.near["nightly"].write(name, b"12345")
    house.near["other"].write("d", b"1234567")
    async with going(nightly, other):
        for one in (nightly, other):
            sampler = JobSampler(one, house.world())
            jobs[one.name] = Job(one, sampler, None)  # type: ignore[arg-type]
            rates.tick()
        await until(lambda: nightly.outcomes.looked and other.outcomes.looked)
        rates.tick()
        await until(lambda: "nightly" in rates._of and "other" in rates._of)
        assert moved(rates, "nightly") == (15, 3)
        assert moved(rates, "other") == (7, 1)
        assert moved(rates, None) == (22, 4)
        await nightly.pause()
        assert moved(rates, "nightly") == (15, 3), "the end of a run counts once"
        rates.removed("nightly")
        shown: Any = rates.shown("nightly", TEN_MINUTES)
        assert shown["speed_bps"][-1] == 0


async def test_a_run_of_an_earlier_process_does_not_count(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.job("nightly")
    jobs: dict[str, Job] = {}
    rates = JobRates(lambda: jobs, house.world())
    rates._begun_at += 1
    nightly = house.job("nightly", rates)
    house.near["nightly"].write("a", b"1")
    jobs["nightly"] = Job(nightly, JobSampler(nightly, house.world()), None)  # type: ignore[arg-type]
    async with going(nightly):
        await until(lambda: nightly.outcomes.looked)
    assert rates._of == {}
