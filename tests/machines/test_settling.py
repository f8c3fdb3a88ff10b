"""A file is still according to its own times, or because it did not change while observed."""

import pytest

from cargo_sync.machines import settling as settling_machine
from cargo_sync.machines.settling import Settling
from cargo_sync.model.entries import FILE, Entry, EntryColumns


def test_times_in_the_past_are_believed() -> None:
    settling = Settling(2)
    assert settling.is_still(
        "a", Entry("a", FILE, 1, int(8e9), version=int(8e9)), wall=10, steady=0
    )
    assert not settling.is_still(
        "a", Entry("a", FILE, 1, int(9e9), version=int(9e9)), wall=10, steady=0
    )


def test_a_folder_of_old_files_is_still_as_a_whole() -> None:
    settling, folder = Settling(2), Entry("d", "d")
    old, young = Entry("a", FILE, 1, int(8e9), version=int(8e9)), Entry("b", FILE, 1, int(9e9))
    assert settling.are_still(EntryColumns.of([old, folder]), wall=10)
    assert settling.are_still(EntryColumns.nothing(), wall=10)
    assert not settling.are_still(EntryColumns.of([old, young]), wall=10)
    assert not settling.is_still("b", young, wall=10, steady=0)
    assert not settling.are_still(EntryColumns.of([old]), wall=10), (
        "what is watched may be among them"
    )


def test_a_copy_that_keeps_an_old_mtime_is_as_young_as_its_change_time() -> None:
    settling = Settling(2)
    copied = Entry("a", FILE, 1, mtime_ns=int(1e9), version=int(9e9))
    assert not settling.is_still("a", copied, wall=10, steady=0)
    assert settling.is_still("a", copied, wall=11, steady=1)


def test_times_in_the_future_are_watched() -> None:
    settling = Settling(2)
    first, grown = Entry("a", FILE, 1, int(99e9)), Entry("a", FILE, 2, int(99e9))
    assert not settling.is_still("a", first, 10, 0)
    assert not settling.is_still("a", first, 10, 1.9)
    assert not settling.is_still("a", grown, 10, 2)
    assert not settling.is_still("a", grown, 10, 3.9)
    assert settling.is_still("a", grown, 10, 4)


def test_settle_of_nothing_waits_for_nothing() -> None:
    future = Entry("a", FILE, 1, int(99e9))
    assert Settling(0).is_still("a", future, 10, 0)
    assert not Settling(1).is_still("a", future, 10, 0)


def test_being_asked_twice_changes_nothing_and_what_was_taken_is_forgotten() -> None:
    settling, camera = Settling(2), Entry("a", FILE, 1, int(99e9))
    assert not settling.is_still("a", camera, 10, 0)
    assert settling.is_still("a", camera, 10, 2), "a preview asks"
    assert settling.is_still("a", camera, 10, 3), "and so does the run after it"
    settling.forget("a")
    assert not settling.is_still("a", camera, 10, 4)


def test_however_many_files_are_watched_all_of_them_have_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settling_machine, "WATCHED", 3)
    settling, camera = Settling(2), Entry("a", FILE, 1, int(99e9))
    waiting, looks = set("abcdefgh"), 0
    while waiting:
        looks += 1
        for path in sorted(waiting):
            if settling.is_still(path, camera, 10, looks * 2.0):
                settling.forget(path)
                waiting.discard(path)
    assert looks <= 8


def test_who_came_first_keeps_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling_machine, "WATCHED", 1)
    settling, camera = Settling(2), Entry("a", FILE, 1, int(99e9))
    assert not settling.is_still("first", camera, 10, 0)
    assert not settling.is_still("second", camera, 10, 0)
    assert not settling.is_still("second", camera, 10, 2), "it is not watched yet"
    assert settling.is_still("first", camera, 10, 2)


def test_a_watched_file_that_grows_keeps_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling_machine, "WATCHED", 1)
    settling, camera = Settling(2), Entry("a", FILE, 1, int(99e9))
    assert not settling.is_still("a", camera, 10, 0)
    grown = camera._replace(size=2)
    assert not settling.is_still("a", grown, 10, 2)
    assert settling.is_still("a", grown, 10, 4)


def test_a_watched_file_whose_time_has_come_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling_machine, "WATCHED", 1)
    settling, camera = Settling(2), Entry("a", FILE, 1, int(99e9))
    assert not settling.is_still("a", camera, 10, 0)
    assert settling.is_still("a", camera, 101, 91)
    assert not settling.is_still("b", camera, 10, 91)
    assert settling.is_still("b", camera, 10, 93)


def test_what_nobody_asks_about_any_more_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling_machine, "WATCHED", 1)
    settling, camera = Settling(2), Entry("a", FILE, 1, int(99e9))
    left = 100 + settling_machine.LEFT
    settling.is_still("vanished", camera, 10, 100)
    assert not settling.is_still("a", camera, 10, left - 1)
    assert not settling.is_still("a", camera, 10, left), "it was not watched before"
    assert not settling.is_still("vanished", camera, 10, left + 2), "it lost its place"
    assert settling.is_still("a", camera, 10, left + 2)
