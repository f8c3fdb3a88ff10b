"""The retention clock's arithmetic: what a stop, a restart of the system and a jump do to it."""

import pytest

from cargo_sync.machines.retention import (
    DAY,
    ClockMark,
    SystemClocks,
    advanced,
    described,
    jump,
    resumed,
)

NOW = 1_800_000_000.0
YEAR = 365 * DAY
LAST = SystemClocks(NOW, 5000.0, "boot-1")


@pytest.mark.parametrize(
    ("wall", "boottime", "boot", "aged"),
    [
        (20.0, 20.0, "boot-1", 20.0),
        (20.0, -4990.0, "boot-2", 20.0),
        (DAY, DAY, "boot-1", DAY),
        (9 * DAY, 9 * DAY, "boot-1", DAY),  # a long stop, or a wrong clock: nobody can tell
        (YEAR, 20.0, "boot-1", DAY),
        (YEAR, -4990.0, "boot-2", DAY),
        (-20.0, 20.0, "boot-1", 0.0),
        (-YEAR, -4990.0, "boot-2", 0.0),
    ],
)
def test_a_stop_ages_what_is_kept_by_a_day_at_most(
    wall: float, boottime: float, boot: str, aged: float
) -> None:
    now = SystemClocks(NOW + wall, 5000.0 + boottime, boot)
    assert resumed(ClockMark(77.0, LAST), now) == ClockMark(77.0 + aged, now)


def test_the_first_start_takes_the_wall_clock() -> None:
    """Times that an earlier version stored are its readings."""
    assert resumed(None, LAST) == ClockMark(NOW, LAST)


@pytest.mark.parametrize("wall", [60.0, YEAR, -YEAR, 0.0])
def test_while_the_process_runs_the_wall_clock_does_not_matter(wall: float) -> None:
    now = SystemClocks(NOW + wall, 5060.0, "boot-1")
    assert advanced(ClockMark(77.0, LAST), now) == ClockMark(137.0, now)


def test_it_never_goes_backwards() -> None:
    assert advanced(ClockMark(77.0, LAST), SystemClocks(NOW, 4000.0, "boot-1")).reading == 77.0


@pytest.mark.parametrize(
    ("wall", "boottime", "boot", "jumped"),
    [
        (60.0, 60.0, "boot-1", 0.0),
        (359.0, 60.0, "boot-1", 0.0),  # a time server corrects by less than five minutes
        (361.0, 60.0, "boot-1", 301.0),
        (-241.0, 60.0, "boot-1", -301.0),
        (YEAR + 60.0, 60.0, "boot-1", YEAR),
        (9 * DAY, 9 * DAY, "boot-1", 0.0),  # it was off, or slept
        (9 * DAY, -4990.0, "boot-2", 0.0),  # it was off, or the clock is wrong: nobody can tell
        (-YEAR, -4990.0, "boot-2", -YEAR),  # a dead battery
        (-299.0, -4990.0, "boot-2", 0.0),
    ],
)
def test_which_jumps_are_told(wall: float, boottime: float, boot: str, jumped: float) -> None:
    assert jump(LAST, SystemClocks(NOW + wall, 5000.0 + boottime, boot)) == jumped


def test_without_the_systems_identity_only_a_step_backwards_is_a_jump() -> None:
    assert jump(LAST._replace(boot_id=""), SystemClocks(NOW + YEAR, 5060.0, "")) == 0.0
    assert jump(LAST._replace(boot_id=""), SystemClocks(NOW - YEAR, 5060.0, "")) == -YEAR


def test_jumps_in_words() -> None:
    assert described(YEAR) == (
        "the clock of this machine jumped 365.0 days ahead; nothing is thrown away for it"
    )
    assert described(-3600.0).startswith("the clock of this machine jumped 60 minutes back;")
