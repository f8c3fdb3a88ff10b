"""Whole nights and days by the wall clock, as in docs/schedules.md."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from cargo_sync.config.timetable import TimetableRow, Window
from tests.daemon.job.night import BLOCK, GIGA, PAGE, Night, transcript

LATE = Window(22 * 60, 2 * 60 + 30)
EVENING = Window(22 * 60, 24 * 60)
DAYTIME = (TimetableRow(Window(8 * 60, 18 * 60), 10_000_000),)


def back(folder: Path) -> str:
    """Clocks go back: half past two comes twice, and the window closes at the first."""

    async def story(night: Night) -> None:
        await night.until("2026-10-24 21:00")
        night.file("film.mov", 250 * GIGA)
        await night.until("2026-10-26 02:00")

    return transcript(folder, "2026-10-24 20:59:50", story, window=LATE)


def forward(folder: Path) -> str:
    """Clocks go forward: half past two does not come."""

    async def story(night: Night) -> None:
        await night.until("2026-03-28 21:00")
        night.file("film.mov", 250 * GIGA)
        await night.until("2026-03-30 02:00")

    return transcript(folder, "2026-03-28 20:59:50", story, window=LATE)


def midnight(folder: Path) -> str:
    """`10:00pm` to `12:00am`, in the same night: later files wait for the next evening."""

    async def story(night: Night) -> None:
        await night.until("2026-10-24 23:30")
        night.file("film.mov", 30 * GIGA)
        await night.until("2026-10-25 23:30")

    return transcript(folder, "2026-10-24 21:59:50", story, window=EVENING)


def daytime(folder: Path) -> str:
    """A long transfer through a day with a timetable: its speed changes, and it never stops."""

    async def story(night: Night) -> None:
        await night.until("2026-07-01 06:00")
        night.file("film.mov", 150 * GIGA)
        await night.until("2026-07-01 12:00")
        night.tell("cargo_ctl job speed nightly 20mbps")
        await night.supervisor.bounds.limits.order("job.speed", {"speed": "20mbps"})
        await night.until("2026-07-01 14:00")
        night.tell("cargo_ctl job speed nightly reset")
        await night.supervisor.bounds.limits.order("job.speed", {"speed": None})
        await night.until("2026-07-01 20:00")

    return transcript(folder, "2026-07-01 05:59:50", story, timetable=DAYTIME)


def clock(folder: Path) -> str:
    """Somebody sets the clock forward by an hour and back: the job notices within a minute."""

    async def story(night: Night) -> None:
        await night.until("2026-07-01 21:10")
        night.file("film.mov", 30 * GIGA)
        await night.until("2026-07-01 21:20:30")
        night.set_clock(1, "the clock is set forward by an hour")
        await night.until("2026-07-01 22:30:30")
        night.set_clock(-1, "the clock is set back by an hour")
        await night.until("2026-07-01 22:40")

    return transcript(folder, "2026-07-01 21:09:50", story, window=LATE)


STORIES: Final[Mapping[str, Callable[[Path], str]]] = {
    "back": back,
    "forward": forward,
    "midnight": midnight,
    "daytime": daytime,
    "clock": clock,
}


@pytest.mark.parametrize("name", STORIES)
def test_it_is_as_documented(name: str, tmp_path: Path) -> None:
    documented = {block[2]: block[3] for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert STORIES[name](tmp_path) == documented.get(name)


def test_no_transcript_is_documented_that_nobody_tells() -> None:
    assert {
        block[2] for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))
    } == STORIES.keys()
