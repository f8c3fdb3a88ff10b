"""A file is still by its own times, or by having been watched."""

from cargo_sync.machines.settling import Settling
from cargo_sync.model.entries import FILE, Entry


def test_times_in_the_past_are_believed() -> None:
    settling = Settling(2)
    assert settling.is_still("a", Entry("a", FILE, 1, int(8e9), version=int(8e9)), wall=10, steady=0)
    assert not settling.is_still("a", Entry("a", FILE, 1, int(9e9), version=int(9e9)), wall=10, steady=0)


def test_times_in_the_future_are_watched() -> None:
    settling = Settling(2)
    first, grown = Entry("a", FILE, 1, int(99e9)), Entry("a", FILE, 2, int(99e9))
    assert not settling.is_still("a", first, 10, 0)
    assert not settling.is_still("a", first, 10, 1.9)
    assert not settling.is_still("a", grown, 10, 2)
    assert not settling.is_still("a", grown, 10, 3.9)
    assert settling.is_still("a", grown, 10, 4)


def test_settle_of_nothing_waits_for_nothing() -> None:
    assert Settling(0).is_still("a", Entry("a", FILE, 1, int(99e9)), 10, 0)
