"""A destination with little room: what does not fit fails alone, and a full disk holds the job."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.engine.execution import batches
from cargo_sync.machines.room import PROBE
from cargo_sync.model.checkpoints import RESUMABLE
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from tests.engine.world import System

BOTH = pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])


class Disk:
    """A job whose destination's disk has `left` free bytes."""

    def __init__(self, system: System, left: int) -> None:
        self.system = system
        self.left = left
        self.asked: list[str] = []
        self._blocked = system.destination.blocked
        self._write = system.destination.write
        system.destination.blocked = self._room  # type: ignore[method-assign]
        system.destination.write = self._fill  # type: ignore[assignment, method-assign]

    def files(self, **sizes: int) -> None:
        for name, size in sizes.items():
            self.system.source.write(name, b"x" * size)

    async def run(self) -> str:
        """What came of a run: "held" or "", then what was refused."""
        self.asked.clear()
        report = await self.system.run().execute()
        return f"{'held' if report.held else ''}: {' '.join(self.asked)}"

    @property
    def here(self) -> str:
        return " ".join(self.system.destination.files())

    def _room(self, path: str) -> Problem | None:
        entry = self.system.source.entry(path)
        if entry is not None and entry.size > self.left:
            self.asked.append(path)
            return Problem(Code.DISK_FULL, f"no room for {path}", path)
        return self._blocked(path)

    def _fill(self, path: str, content: bytes, *rest: Any) -> Any:
        self.left -= len(content)
        return self._write(path, content, *rest)


@pytest.fixture(params=[Mode.UPLOAD, Mode.DOWNLOAD])
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[int], Disk]]:
    made: list[System] = []

    def new(left: int) -> Disk:
        made.append(System(tmp_path, request.param))
        return Disk(made[-1], left)

    yield new
    for system in made:
        system.database.close()


async def test_what_is_too_large_fails_alone_and_is_tried_again(
    disk: Callable[[int], Disk],
) -> None:
    job = disk(10)
    job.files(huge=4_000, small=2, z=3)
    assert (await job.run(), job.here) == (": huge", "small z")
    failures = job.system.memory.failures
    assert failures.paths() == {"huge"}
    assert failures.next_at() == job.system.now + 0.75
    job.files(later=4)
    assert (await job.run(), job.here) == (": ", "later small z")
    job.left = 5_000
    job.system.now += 1
    assert (await job.run(), job.here) == (": ", "huge later small z")


async def test_as_many_files_as_fit_arrive_and_then_the_job_is_held(
    disk: Callable[[int], Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_FILES", 2)
    job = disk(35)
    job.files(a=10, b=10, c=10, d=10, e=9, f=10, g=10)
    assert (await job.run(), job.here) == ("held: d e", "a b c")
    assert (await job.run(), job.here) == ("held: ", "a b c"), "nothing is due yet"
    job.system.now += PROBE
    assert (await job.run(), job.here) == ("held: e", "a b c"), "one file tries it"
    job.left = 100
    job.system.now += PROBE
    assert (await job.run(), job.here) == (": ", "a b c e f g"), "the others follow"
    assert (await job.run(), job.here) == (": ", "a b c d e f g")


async def test_a_file_that_is_gone_holds_no_job(disk: Callable[[int], Disk]) -> None:
    job = disk(5)
    job.files(a=10, b=10)
    assert await job.run() == "held: a b"
    for name in "ab":
        job.system.source.remove(name)
    job.system.now += PROBE
    assert await job.run() == ": "


async def test_the_errors_count_what_was_not_offered(disk: Callable[[int], Disk]) -> None:
    job = disk(0)
    job.files(a=2, b=3, c=4)
    await job.run()
    job.system.now += PROBE
    report = await job.system.run().execute()
    assert (report.errors, report.held) == (3, "no room for a")


async def test_what_began_before_is_offered_whatever_its_size(
    disk: Callable[[int], Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_FILES", 1)
    job = disk(10)
    job.files(b=RESUMABLE)
    await job.run()
    job.files(a=20, c=30)
    job.system.now += PROBE
    assert await job.run() == "held: a b", "a part of b may be there already"


async def test_what_comes_the_other_way_by_now_is_not_what_waits_for_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each direction would wait for the name that only the other one has."""
    system = System(tmp_path, Mode.BIDIRECTIONAL, propagate=True, settle=0.0)
    full = True
    for tree in (system.near, system.far):
        blocked = tree.blocked

        def no_room(path: str, blocked: Callable[[str], Problem | None] = blocked) -> Any:
            return Problem(Code.DISK_FULL, "no room", path) if full else blocked(path)

        monkeypatch.setattr(tree, "blocked", no_room)
    system.near.write("a", b"12345")
    system.far.write("b", b"54321")
    report = await system.run().execute()
    assert report.errors == 2
    for tree, gone, new in ((system.near, "a", "b"), (system.far, "b", "a")):
        tree.remove(gone)
        tree.write(new, new.encode() * 5)
    full = False
    for _ in range(2):
        system.now += PROBE
        report = await system.run().execute()
    assert not report.errors
    assert system.near.files() == system.far.files() == {"a": b"aaaaa", "b": b"bbbbb"}
    system.database.close()
