"""One job's loop as a person sees it: the commands, the events, the state."""

import asyncio
import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.api.messages import ControlError
from cargo_sync.config.timetable import TimetableRow, Window
from cargo_sync.daemon.job import following
from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.lanes.figures import Figures
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, damaged
from cargo_sync.state.holds import Ruling
from cargo_sync.testing.tree import MemoryTree
from tests.daemon.house import House, going, until


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_job_looks_at_once_and_is_synced(house: House) -> None:
    job = house.job()
    house.near["nightly"].write("a/b.txt", b"hello")
    assert job.state == "starting"
    async with going(job):
        await until(lambda: job.state == "synced")
    assert house.far["nightly"].files() == {"a/b.txt": b"hello"}
    assert house.recorder.said() == ["uploaded a/b.txt"]
    assert house.far["nightly"].closed


async def test_an_order_looks_now_and_names_its_run(house: House) -> None:
    job = house.job()
    async with going(job):
        await until(lambda: job.state == "synced")
        house.near["nightly"].write("new.txt", b"1")
        run = job.sync()
        await until(lambda: (row := house.jobs.get("nightly")) and row.last_run)
        assert job.sync() != run  # the first one is over: this is another
    row = house.jobs.get("nightly")
    assert row and row.last_run and row.last_run.run == run and row.last_run.files == 1


async def test_an_order_does_not_wait_for_a_login_that_was_refused(house: House) -> None:
    job = house.job()
    job.sync()
    assert house.afresh == ["nightly"]
    job.plan()
    assert house.afresh == ["nightly", "nightly"]
    await job.start()
    assert house.afresh == ["nightly", "nightly", "nightly"]


async def test_orders_that_come_together_are_one_run(house: House) -> None:
    job = house.job()
    assert job.sync() == job.sync()


async def test_a_hint_brings_the_look_forward(house: House) -> None:
    job = house.job()
    async with going(job):
        await until(lambda: job.state == "synced")
        house.near["nightly"].write("new.txt", b"1")
        job.hint()
        await until(lambda: house.far["nightly"].files() == {"new.txt": b"1"})


async def test_news_of_the_server_bring_the_look_of_a_download_forward(house: House) -> None:
    job = house.job(mode="download")
    far = house.far["nightly"]
    async with going(job):
        await until(lambda: job.state == "synced")
        for name in ("one.txt", "two.txt"):
            far.write(name, b"1")
            far.news.set()
            await until(functools.partial(_arrived, house.near["nightly"], name))


async def test_a_two_way_job_hears_the_server_and_does_not_wait_until_its_files_are_still(
    house: House,
) -> None:
    job = house.job(mode="bidirectional", settle=30.0)
    near, far = house.near["nightly"], house.far["nightly"]
    async with going(job):
        await until(lambda: job.state == "synced")
        for name in ("one.txt", "two.txt"):
            far.write(name, b"1")
            far.news.set()
            await until(functools.partial(_arrived, near, name))


async def test_an_ordered_look_also_tries_what_the_one_before_it_has_put_off(house: House) -> None:
    """So an approval counts, although the look that was running at that moment failed as before."""
    job = house.job()
    near, far = house.near["nightly"], house.far["nightly"]
    near.write("big.bin", b"0" * 1000)
    far.stuck = True
    async with going(job):
        await far.moving.wait()
        job.sync(approved={Code.DAMAGED})
        near.write("off.bin", b"1")
        [entry] = await near.entries(["off.bin"])
        assert isinstance(entry, Entry)
        state = (entry.version, entry.ident)
        job._memory.failures.put_off("off.bin", damaged("off.bin", "nightly"), state)
        far.stuck = False
        far.go.set()
        await until(lambda: far.files() == near.files())


async def test_pause_stops_in_the_middle_and_start_goes_on(house: House) -> None:
    job = house.job()
    near, far = house.near["nightly"], house.far["nightly"]
    near.write("big.bin", b"0" * 1000)
    far.stuck = True
    async with going(job):
        await far.moving.wait()
        assert job.state == "syncing"
        await job.pause()
        await until(lambda: job.run_now is None)
        assert (job.state, job.next_at(), far.files()) == ("paused", None, {})
        far.stuck = False
        job.hint()
        await asyncio.sleep(0.01)
        assert far.files() == {}
        await job.start()
        await until(lambda: job.state == "synced")
    assert far.files() == near.files()


async def test_a_pause_is_kept_across_restarts(house: House) -> None:
    job = house.job()
    await job.pause()
    again = house.job()
    assert again.state == "paused"
    async with going(again):
        await again.start()
        await until(lambda: again.state == "synced")
    assert house.job().state == "starting"


async def test_a_server_that_is_away_is_an_error_with_a_time(house: House) -> None:
    job = house.job()
    far = house.far["nightly"]
    far.away = Problem(Code.UNREACHABLE, "files.example.org cannot be reached")
    async with going(job):
        await until(lambda: job.state == "error")
        assert job.outcomes.detail() == "files.example.org cannot be reached"
        [cause] = job.outcomes.causes()
        assert (cause.path, cause.tries) == ("", 1)
        assert cause.next_at is not None and job.next_at() is not None
        job.sync()
        await until(lambda: job.outcomes.causes()[0].tries == 2)
        assert house.recorder.said() == ["failed"]  # the same thing is told once
        far.away = None
        job.sync()
        await until(lambda: job.state == "synced")
        assert job.outcomes.causes() == []


async def test_what_failed_as_a_whole_is_over_once_something_moves(house: House) -> None:
    job = house.job()
    near, far = house.near["nightly"], house.far["nightly"]
    far.away = Problem(Code.UNREACHABLE, "files.example.org cannot be reached")
    near.write("big.bin", b"0" * 1000)
    async with going(job):
        await until(lambda: job.state == "error")
        assert (job.outcomes.errors, job.outcomes.detail()) == (
            1,
            "files.example.org cannot be reached",
        )
        far.away, far.stuck = None, True
        job.sync()
        await far.moving.wait()
        assert (job.state, job.outcomes.errors, job.outcomes.detail(), job.outcomes.causes()) == (
            "syncing",
            0,
            "",
            [],
        )


async def test_a_failed_file_makes_the_job_an_error_and_the_others_go_on(house: House) -> None:
    job = house.job()
    near, far = house.near["nightly"], house.far["nightly"]
    near.write("bad.txt", b"1")
    near.write("good.txt", b"2")
    read = near.read
    near.read = lambda path: read(path) if path != "bad.txt" else b""  # type: ignore[method-assign]
    async with going(job):
        await until(lambda: job.state == "error")
        assert far.files() == {"good.txt": b"2"}
        assert job.outcomes.errors == 1
        assert [cause.path for cause in job.outcomes.causes()] == ["bad.txt"]
        near.read = read  # type: ignore[method-assign]
        job.sync()
        await until(lambda: job.state == "synced")
    assert far.files() == near.files()


async def test_an_exception_nobody_foresaw_harms_no_other_job(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = house.job("broken"), house.job("sound")
    house.far["broken"].broken = RuntimeError("canary")
    house.near["sound"].write("a.txt", b"1")
    async with going(broken, sound):
        await until(lambda: broken.state == "error" and sound.state == "synced")
        assert "internal error: RuntimeError" in broken.outcomes.detail()
        assert broken.next_at() is not None
        house.far["broken"].broken = None
        broken.sync()
        await until(lambda: broken.state == "synced")
    traced = [record for record in caplog.records if record.exc_info]
    assert [getattr(record, "job", "") for record in traced] == ["broken"]


async def test_the_guard_holds_until_a_person_approves(house: House) -> None:
    job = house.job(delete="propagate")
    near, far = house.near["nightly"], house.far["nightly"]
    for number in range(30):
        near.write(f"{number}.txt", b"1")
    async with going(job):
        await until(lambda: len(far.files()) == 30)
        await until(lambda: job.state == "synced")
        for number in range(20):
            near.remove(f"{number}.txt")
        job.sync()
        await until(lambda: job.state == "held")
        assert job.next_at() is not None and len(far.files()) == 30
        held = job.outcomes.waits()
        assert held is not None and (held.deletions, held.tree) == (20, 30)
        brief = "would delete 20 and overwrite 0 of 30 files: see `job show`"
        assert job.outcomes.detail() == brief
        assert held.message.startswith("the job would delete 20")
        near.write("new.txt", b"additions go on")
        job.hint()
        await until(lambda: "new.txt" in far.files())
        await until(lambda: job.run_now is None)
        assert job.state == "held"
        assert await job.decide("another", Ruling.APPROVED) == []
        assert await job.decide(held.ids[0], Ruling.APPROVED) == list(held.ids)
        job.sync()
        await until(lambda: job.state == "synced")
    assert len(far.files()) == 11
    assert house.recorder.said().count("held") == 1, "it is not told at each look"


async def test_a_full_disk_holds_and_releases_itself(house: House) -> None:
    job = house.job()
    far = house.far["nightly"]
    far.away = Problem(Code.DISK_FULL, "the disk of the server is full")
    async with going(job):
        await until(lambda: job.state == "held")
        assert not job.outcomes.approvable
        at = job.next_at()
        assert at is not None and 29 < at - asyncio.get_running_loop().time() <= 30
        far.away = None
        job.sync()
        await until(lambda: job.state == "synced")


async def test_a_job_is_not_held_while_content_moves(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = house.job()
    near, far = house.near["nightly"], house.far["nightly"]
    near.write("a", b"1")
    full = Problem(Code.DISK_FULL, "there is no room", "a")
    monkeypatch.setattr(far, "blocked", lambda path: full)
    async with going(job):
        await until(lambda: job.state == "held")
        monkeypatch.undo()
        far.stuck = True
        far.moving.clear()
        job.sync()
        await far.moving.wait()
        assert job.state == "held", "nobody knows yet whether it is refused again"
        job.sides = replace(job.sides, figures=lambda: {Mode.UPLOAD: Figures(content=1)})
        assert job.state == "syncing"
        assert JobSampler(job, house.world()).status().detail == ""
        far.go.set()
        await until(lambda: job.state == "synced")


async def test_a_job_that_is_done_says_what_drifted(house: House) -> None:
    job = house.job()
    house.near["nightly"].write("a.txt", b"123")
    async with going(job):
        await until(lambda: job.state == "synced")
        assert JobSampler(job, house.world()).status().detail == ""
        house.far["nightly"].write("a.txt", b"own")
        run = job.sync()
        await until(lambda: job.outcomes.drifted == 1)
        status = JobSampler(job, house.world()).status()
        assert (status.drifted, run != "") == (1, True)
        said = (
            "1 delivered file was changed or removed at the destination since: "
            "`job verify` lists what differs"
        )
        assert status.detail == said


async def test_a_plan_does_nothing_and_works_while_paused(house: House) -> None:
    job = house.job()
    house.near["nightly"].write("a.txt", b"123")
    await job.pause()
    async with going(job):
        run = job.plan()
        assert job.previews.waits(run)
        await until(lambda: not job.previews.waits(run))
    page = house.planned.page(run, 0, 100)
    assert page and page.totals and page.totals["put"] == 1
    assert [(one.action.op, one.action.path) for one in page.actions] == [("put", "a.txt")]
    assert house.far["nightly"].files() == {}


async def test_a_plan_that_fails_says_why(house: House) -> None:
    job = house.job()
    house.far["nightly"].away = Problem(Code.UNREACHABLE, "nobody answers")
    await job.pause()
    async with going(job):
        run = job.plan()
        await until(lambda: not job.previews.waits(run))
    problem = job.previews.problem(run)
    assert problem is not None and problem.message == "nobody answers"


async def test_a_disabled_job_does_nothing(house: House) -> None:
    job = house.job(enabled=False)
    house.near["nightly"].write("a.txt", b"1")
    async with going(job):
        job.hint()
        await asyncio.sleep(0.01)
        assert (job.state, job.next_at()) == ("disabled", None)
    assert house.far["nightly"].files() == {}


@pytest.mark.parametrize(
    ("limit", "speed"), [(None, 50_000_000), (10_000_000, 10_000_000), (90_000_000, 50_000_000)]
)
async def test_the_daemons_bandwidth_bounds_a_jobs_speed(
    house: House, limit: int | None, speed: int
) -> None:
    job = house.job(speed=50_000_000)
    house.near["nightly"].write("a.txt", b"1")
    house.shares.limit(limit)
    async with going(job):
        await until(lambda: job.state == "synced")
    assert set(house.far["nightly"].speeds) == {speed}


async def test_a_job_that_waits_for_its_turn_says_so_and_can_be_paused_at_once(
    house: House,
) -> None:
    house.slots.resize(1)
    first, second, third = (
        house.job(name, priority=each) for name, each in (("a", 50), ("b", 10), ("c", 90))
    )
    for name in "abc":
        house.near[name].write("big.bin", b"0" * 1000)
        house.far[name].stuck = True
    async with going(first):
        await house.far["a"].moving.wait()
        async with going(second, third):
            await until(lambda: len(house.slots.waiting()) == 2)
            assert house.slots.waiting() == ["c", "b"]
            said = JobSampler(third, house.world()).status()
            assert (said.state, said.detail) == ("syncing", "waits for its turn: 1 job moves files")
            await third.pause()
            await until(lambda: house.slots.waiting() == ["b"])
            assert third.state == "paused" and third.run_now is None
            await first.pause()
            await house.far["b"].moving.wait()
            assert house.slots.inside == 1
    assert (house.slots.inside, house.slots.waiting()) == (0, [])


async def test_a_running_job_is_told_when_its_share_is_another(house: House) -> None:
    house.shares.limit(100_000_000)
    jobs = house.job("a", speed=90_000_000), house.job("b")
    for name in "ab":
        house.near[name].write("big.bin", b"0" * 1000)
        house.far[name].stuck = True
    async with going(jobs[0]):
        await house.far["a"].moving.wait()
        async with going(jobs[1]):
            await until(lambda: house.far["a"].speeds[-1] == 50_000_000)
            await jobs[0].bounds.limits.order("job.speed", {"speed": "10mbps"})
            await until(lambda: house.far["a"].speeds[-1] == 10_000_000)
            await until(lambda: house.far["b"].speeds[-1] == 90_000_000)
            await jobs[0].bounds.limits.order("job.speed", {"speed": "none"})
            await until(lambda: house.far["a"].speeds[-1] == 50_000_000)
        await until(lambda: house.far["a"].speeds[-1] == 100_000_000)
    assert house.far["a"].speeds == [90_000_000, 50_000_000, 10_000_000, 50_000_000, 100_000_000]
    assert house.far["b"].speeds == [50_000_000, 90_000_000, 50_000_000]


async def test_a_speed_that_cannot_be_changed_now_is_changed_later(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "AGAIN", 0.01)
    job = house.job()
    house.near["nightly"].write("big.bin", b"0" * 1000)
    far = house.far["nightly"]
    far.stuck = True
    async with going(job):
        await far.moving.wait()
        far.deaf = 2
        await job.bounds.limits.order("job.speed", {"speed": "10mbps"})
        await until(lambda: far.speeds == [None, 10_000_000])
        assert job.state == "syncing"
    assert [record.getMessage() for record in caplog.records] == [
        "the speed cannot be changed now: nobody answers"
    ] * 2


async def test_an_ordered_speed_holds_until_the_file_says_another(house: House) -> None:
    async def own(**changes: Any) -> int | None:
        job = house.job(**changes)
        await job.bounds.read()
        return job.bounds.own()

    job = house.job(speed=50_000_000)
    await job.bounds.read()
    await job.bounds.limits.order("job.speed", {"speed": "10mbps"})
    assert await own(speed=50_000_000) == 10_000_000  # after a restart
    await job.bounds.limits.order("job.speed", {"speed": "none"})
    assert await own(speed=50_000_000) is None
    assert await own(speed=60_000_000) == 60_000_000
    assert await own(speed=50_000_000) == 50_000_000  # what was ordered is forgotten for good
    rows = (TimetableRow(Window(0, 1440), 7),)
    assert await own(timetable=rows) == 7
    with pytest.raises(ControlError, match="is not a speed"):
        await job.bounds.limits.order("job.speed", {"speed": "fast"})


def _arrived(tree: MemoryTree, name: str) -> bool:
    return name in tree.files()


class Hints:
    """Hints that a test ends."""

    note = ""
    complete = False

    def __init__(self) -> None:
        self.ended = False
        self.closed = False

    async def close(self) -> None:
        self.closed = True


async def test_a_folder_that_went_away_is_watched_again_when_it_is_back(tmp_path: Path) -> None:
    house = House(tmp_path)
    made: list[Hints] = []

    async def watch(hint: object) -> Hints:
        made.append(Hints())
        return made[-1]

    house.watch = watch
    job = house.job(watch=True)
    async with going(job):
        await until(lambda: job.state == "synced")
        assert [one.closed for one in made] == [False]
        house.far["nightly"].away = Problem(Code.ROOT_GONE, "the folder is gone")
        job.sync()
        await until(lambda: job.state == "error" and made[0].closed)
        assert len(made) == 1, "what is at its path now is not watched"
        house.far["nightly"].away = None
        job.sync()
        await until(lambda: len(made) == 2 and job.state == "synced")
        assert not made[1].closed
        made[1].ended = True
        job.hint()
        await until(lambda: len(made) == 3 and made[1].closed)
