"""When a job holds its local folder, and when it lets it go."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.timetable import Window
from cargo_sync.daemon.job import local_hints
from cargo_sync.daemon.job.local_hints import OnHint
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.model.jobs import Identity
from cargo_sync.testing.tree import MemoryTree
from tests.daemon.house import House, going, until

NIGHT = Window(22 * 60, 2 * 60 + 30)
"""The house's clock shows nine in the morning."""


class Disk(MemoryTree):
    """A near side that is open or not.

    hangs  it cannot be closed
    """

    def __init__(self) -> None:
        super().__init__("near", "nightly")
        self.held = False
        self.hangs = False

    async def open(self, *known: Any) -> Identity:
        self.held = True
        return await super().open(*known)

    async def close(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        self.held = False


class Watched:
    """A folder that is watched until it is closed."""

    note = ""
    complete = False
    ended = False
    closed = False

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def job_on(house: House, disk: Disk, **changes: Any) -> Supervisor:
    house.near["nightly"] = disk
    return house.job(**changes)


async def planned(job: Supervisor) -> None:
    run = job.plan()
    await until(lambda: not job.previews.waits(run))


async def test_a_pause_is_answered_when_the_folder_is_let_go(house: House) -> None:
    made: list[Watched] = []

    async def watch(hint: object) -> Watched:
        made.append(Watched())
        return made[-1]

    house.watch = watch
    disk = Disk()
    job = job_on(house, disk, watch=True)
    async with going(job):
        await until(lambda: job.state == "synced")
        assert disk.held and not made[0].closed
        await job.pause()
        assert not disk.held and made[0].closed
        await planned(job)
        await until(lambda: not disk.held)
        await job.start()
        await until(lambda: disk.held and len(made) == 2)
    assert not disk.held and made[1].closed


async def test_a_run_that_is_paused_lets_the_folder_go(house: House) -> None:
    disk = Disk()
    job = job_on(house, disk)
    disk.write("big.bin", b"0" * 1000)
    house.far["nightly"].stuck = True
    async with going(job):
        await house.far["nightly"].moving.wait()
        await job.pause()
        assert (disk.held, job.run_now) == (False, None)


@pytest.mark.parametrize(
    ("changes", "state"), [({"enabled": False}, "disabled"), ({"window": NIGHT}, "waiting")]
)
async def test_a_job_that_may_not_move_files_holds_its_folder_only_for_a_plan(
    house: House, changes: dict[str, Any], state: str
) -> None:
    disk = Disk()
    job = job_on(house, disk, **changes)
    async with going(job):
        await planned(job)
        await until(lambda: not disk.held)
        assert job.state == state


async def test_a_disk_that_hangs_does_not_hold_up_the_answer_to_a_pause(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_hints, "LET_GO", 0.0)
    disk = Disk()
    job = job_on(house, disk)
    async with going(job):
        await until(lambda: job.state == "synced")
        disk.hangs = True
        await job.pause()
        assert (disk.held, job.state) == (True, "paused")
        disk.hangs = False


async def test_a_look_is_at_hinted_folders_while_each_change_is_hinted(house: House) -> None:
    """Nothing else is looked at, except when a person orders it."""
    hints: list[OnHint] = []
    watched = Watched()
    watched.complete = True

    async def watch(hint: OnHint) -> Watched:
        hints.append(hint)
        return watched

    house.watch = watch
    job = job_on(house, disk := Disk(), watch=True)
    there = house.far["nightly"].files
    async with going(job):
        await until(lambda: job.state == "synced")
        disk.write("a/hinted", b"1")
        disk.write("b/unhinted", b"2")
        hints[0](frozenset({"", "a"}))
        await until(lambda: "a/hinted" in there())
        await until(lambda: "b/unhinted" in there(), "a folder that is new is looked into")
        await until(lambda: job.run_now is None)  # its end is not that of the look that follows
        before = job.outcomes.look
        hints[0](frozenset())  # a look at what has just arrived at the server
        await until(lambda: job.outcomes.look is not before and job.run_now is None)
        disk.write("b/later", b"3")
        disk.write("a/later", b"4")
        hints[0](frozenset({"a"}))
        await until(lambda: "a/later" in there() and job.run_now is None)
        assert "b/later" not in there()
        job.sync()
        await until(lambda: "b/later" in there() and job.run_now is None)
        disk.write("b/last", b"5")
        watched.complete = False
        hints[0](frozenset({"a"}))
        await until(lambda: "b/last" in there())
