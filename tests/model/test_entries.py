"""Entries whose times cannot be kept."""

from cargo_sync.model.entries import EARLIEST, LATEST, is_clamped, kept_time


def test_times_outside_of_64_bits_are_kept_as_the_nearest() -> None:
    assert [kept_time(time) for time in (-(2**64), -5, 2**64)] == [EARLIEST, -5, LATEST]
    assert [is_clamped(time) for time in (EARLIEST, EARLIEST + 1, 0, LATEST - 1, LATEST)] == [
        True,
        False,
        False,
        False,
        True,
    ]
