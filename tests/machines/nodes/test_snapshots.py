"""The numbers of snapshots, and which of them stay."""

from cargo_sync.machines.nodes.snapshots import (
    DAY,
    MadeSnapshot,
    generation_after,
    numbered,
    superseded,
)


def test_what_a_recovered_server_makes_is_newer_than_all_of_the_lost_one() -> None:
    of_the_lost = [numbered(0, 1), numbered(0, 2), numbered(0, 1_000_000)]
    assert of_the_lost == sorted(of_the_lost)
    assert numbered(generation_after(numbered(0, 1)), 1) > of_the_lost[-1]
    assert generation_after(numbered(3, 5)) == 4


def test_the_newest_stay_and_one_of_each_day_before_them() -> None:
    hourly = [MadeSnapshot(number, number * DAY / 24) for number in range(24 * 12)]
    stay = {one.number for one in hourly} - superseded(hourly)
    newest = set(range(24 * 11, 24 * 12))
    assert stay == newest | {24 * day + 23 for day in range(4, 11)}
    assert superseded(hourly[:24]) == set()


def test_a_clock_that_is_wrong_costs_no_new_snapshot() -> None:
    some = [MadeSnapshot(number, 1e9 - number * DAY) for number in range(40)]
    stay = {one.number for one in some} - superseded(some)
    assert stay == set(range(9, 40))
