"""Small parts: the wakeup, hints of the server, watched folders, stored notes."""

import asyncio
from pathlib import Path

from cargo_sync.daemon.job.local_hints import Watchers
from cargo_sync.daemon.job.remote_hints import hear_far
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.wakeup import Wakeup
from tests.daemon.house import FarSide, House, until


async def test_a_bell_keeps_what_was_rung_before() -> None:
    wakeup = Wakeup()
    assert not await wakeup.wait(0)
    wakeup.set()
    wakeup.set()
    assert await wakeup.wait(0)
    assert not await wakeup.wait(0)
    wakeup.set()
    wakeup.clear()
    assert not await wakeup.wait(0)


async def test_listening_begins_after_a_good_look_and_again_after_the_next() -> None:
    far, seen = FarSide(), Wakeup()
    hints: list[str] = []
    cursors: list[int] = []

    async def cursor() -> int:
        cursors.append(len(hints))
        return 0

    task = asyncio.create_task(
        hear_far(far, seen, cursor, lambda: hints.append("hint"), asyncio.get_running_loop().time)
    )
    await asyncio.sleep(0)
    far.news.set()
    assert cursors == []
    seen.set()
    await until(lambda: hints == ["hint"])
    far.news.set()
    await asyncio.sleep(0)
    assert hints == ["hint"]  # until the look that this hint brought is over
    seen.set()
    await until(lambda: hints == ["hint"] * 2)
    task.cancel()


async def test_an_unreachable_server_is_left_to_the_looks() -> None:
    class Away(FarSide):
        asked = 0

        async def wait(self, cursor: int, seconds: float) -> bool:
            self.asked += 1
            raise ProblemError(Problem(Code.UNREACHABLE, "nobody answers"))

    far, seen = Away(), Wakeup()

    async def cursor() -> int:
        return 0

    task = asyncio.create_task(
        hear_far(far, seen, cursor, lambda: None, asyncio.get_running_loop().time)
    )
    seen.set()
    await until(lambda: far.asked == 1)
    await asyncio.sleep(0.01)
    assert far.asked == 1
    task.cancel()


async def test_watched_folders_give_hints_and_are_bounded(tmp_path: Path) -> None:
    hinted = asyncio.Event()
    changed: list[frozenset[str] | None] = []

    def hint(folders: frozenset[str] | None) -> None:
        changed.append(folders)
        hinted.set()

    watchers = Watchers(House(tmp_path / "state").world(), most=1)
    folder = tmp_path / "folder"
    assert await watchers.watch(str(folder), hint) is None
    folder.mkdir()
    first = await watchers.watch(str(folder), hint)
    second = await watchers.watch(str(folder), hint)
    assert first and second
    try:
        assert first.note == ""
        assert "scanned at intervals" in second.note
        (folder / "new.txt").write_text("1")
        async with asyncio.timeout(60):
            await hinted.wait()
        assert changed[0] == frozenset({""})
    finally:
        await first.close()
        await second.close()
    again = await watchers.watch(str(folder), hint)
    assert again and again.note == ""
    await again.close()
