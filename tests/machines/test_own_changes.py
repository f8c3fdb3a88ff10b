"""Own changes: ranges are exact, and little is kept."""

import random

import pytest

from cargo_sync.machines.own_changes import FOLDERS, NO_CHANGES, RANGES, OwnChanges, OwnLog, gaps


def test_ranges_grow_together() -> None:
    log = OwnLog()
    assert log.changes() is NO_CHANGES
    log.add([5, 4, 6], ["a"], "l")
    log.add([9], ["b", "a"], "l")
    assert log.changes() == OwnChanges(((4, 6), (9, 9)), ("a", "b"), "l")
    log.add([8, 7], ["a"], "l")
    assert log.changes() == OwnChanges(((4, 9),), ("a", "b"), "l")
    assert (log.changes().newest, log.changes().versions) == (9, 6)
    log.clear()
    assert log.changes() is NO_CHANGES


def test_versions_of_another_lineage_take_the_place_of_those_before() -> None:
    log = OwnLog()
    log.add([1, 2], ["a"], "l")
    log.add([3], ["b"], "m")
    assert log.changes() == OwnChanges(((3, 3),), ("b",), "m")
    log.add([4], ["b"], "")
    assert log.changes() is NO_CHANGES


@pytest.mark.parametrize("seed", range(20))
def test_they_hold_exactly_what_was_added(seed: int) -> None:
    chance, log, added = random.Random(seed), OwnLog(), set[int]()
    for _ in range(30):
        some = chance.sample(range(1, 100), chance.randint(1, 6))
        added.update(some)
        log.add(some, ["f"], "l")
    own, since = log.changes(), chance.randint(0, 50)
    inside = {one for first, last in own.ranges for one in range(first, last + 1)}
    outside = {
        one
        for above, below in gaps(since, own.ranges)
        for one in range(1, 120)
        if above < one < below
    }
    assert inside == added and len(added) == own.versions
    assert outside == set(range(since + 1, 120)) - added


def test_of_too_many_ranges_the_smallest_are_dropped() -> None:
    log = OwnLog()
    log.add(range(1, 3 * RANGES, 3), ["f"], "l")
    log.add([10_001, 10_002], ["f"], "l")
    own = log.changes()
    assert len(own.ranges) == RANGES and own.ranges[-1] == (10_001, 10_002)


def test_with_too_many_folders_nothing_is_left_out() -> None:
    log = OwnLog()
    log.add([1], map(str, range(FOLDERS + 1)), "l")
    assert log.changes() is NO_CHANGES
    log.add([2], ["a"], "l")
    assert log.changes() == OwnChanges(((2, 2),), ("a",), "l")


def test_gaps_leave_out_what_is_old_already() -> None:
    largest = 2**63 - 1
    assert gaps(0, ()) == [(0, largest)]
    assert gaps(7, [(2, 3), (5, 9), (12, 12)]) == [(9, 12), (12, largest)]
    assert gaps(4, [(5, 9)]) == [(9, largest)]
