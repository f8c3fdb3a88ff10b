"""Entries whose times cannot be kept."""

from cargo_sync.model.entries import EARLIEST, FILE, LATEST, LINK, Entry, is_bad_time, kept_time


def test_times_outside_of_64_bits_are_kept_as_the_nearest() -> None:
    assert [kept_time(time) for time in (-(2**64), -5, 2**64)] == [EARLIEST, -5, LATEST]
    assert [is_bad_time(time) for time in (EARLIEST, EARLIEST + 1, 0, LATEST - 1, LATEST)] == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_files_whose_times_are_not_known_never_look_alike() -> None:
    here, there = Entry("a", FILE, 1, LATEST), Entry("a", FILE, 1, LATEST)
    assert not here.same_face(there)
    assert here._replace(mtime_ns=5).same_face(there._replace(mtime_ns=5))
    link = Entry("a", LINK, 0, LATEST, target="b")
    assert link.same_face(link)
