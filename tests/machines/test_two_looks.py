"""When a file on a server that shows files while they grow is complete."""

import pytest

from cargo_sync.machines import two_looks
from cargo_sync.machines.two_looks import TwoLooks
from cargo_sync.model.entries import FILE, LINK, Entry, EntryColumns

NOW = 1_800_000_000.0
FRESH = Entry("f", FILE, 5, int(NOW * 1e9), version=7)
OLD = FRESH._replace(mtime_ns=int((NOW - 90_000) * 1e9))


def asks(looks: TwoLooks, entry: Entry, steady: float, settle: float = 2.0) -> bool:
    return looks.is_still("f", entry, settle, NOW, steady)


def test_a_new_file_is_fetched_when_two_looks_have_seen_it_the_same() -> None:
    looks = TwoLooks()
    assert [asks(looks, FRESH, at) for at in (10, 11.9, 12, 13)] == [False, False, True, True]
    grown = FRESH._replace(size=6)
    assert [asks(looks, grown, at) for at in (14, 15, 16)] == [False, False, True]
    other = grown._replace(version=2**62)  # a digest, and no time
    assert [asks(looks, other, at) for at in (17, 19)] == [False, True]
    looks.forget_all(["f"])
    assert not asks(looks, other, 30)


def test_what_needs_no_second_look() -> None:
    looks = TwoLooks()
    assert asks(looks, OLD, 0)
    assert not asks(looks, OLD._replace(mtime_ns=0), 0), "no time is known"
    assert asks(looks, FRESH, 0, settle=0)
    assert asks(looks, Entry("f", LINK, target="g"), 0)
    assert not asks(looks, OLD._replace(mtime_ns=int((NOW + 1e7) * 1e9)), 0), "a wrong clock"


def test_a_folder_is_asked_about_at_once() -> None:
    looks = TwoLooks()
    old, fresh = EntryColumns.of([OLD]), EntryColumns.of([OLD, FRESH])
    assert looks.are_still(old, 2, NOW)
    assert not looks.are_still(fresh, 2, NOW)
    assert looks.are_still(fresh, 0, NOW)
    assert not asks(looks, FRESH, 0)
    assert not looks.are_still(old, 2, NOW), "another one is watched"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_looks, "WATCHED", 1)
    looks = TwoLooks()

    def asks_for(path: str, steady: float) -> bool:
        return looks.is_still(path, FRESH, 2, NOW, steady)

    assert [asks_for(path, at) for path, at in (("a", 0), ("b", 0), ("b", 9), ("a", 9))] == [
        False, False, False, True,
    ]  # fmt: skip
    assert [asks_for(path, at) for path, at in (("b", 4000), ("b", 4002))] == [False, True]
