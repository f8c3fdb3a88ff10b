"""Ranges of a file that make one download."""

import pytest

from cargo_sync.machines import fetched_parts
from cargo_sync.machines.fetched_parts import WAIT, FetchedParts

Range = tuple[int, int]


@pytest.mark.parametrize(
    ("ranges", "told"),
    [
        ([(0, 10)], [10]),
        ([(0, 0)], []),
        ([(0, 5), (5, 10)], [10]),
        ([(5, 10), (0, 5)], [10]),
        ([(0, 6), (4, 10)], [10]),
        ([(0, 2), (4, 6), (8, 10), (1, 9)], [10]),
        ([(0, 4), (6, 10)], []),
        ([(2, 4), (2, 4), (3, 4)], []),
        ([(0, 10), (0, 10)], [10, 10]),
    ],
)
def test_a_file_of_ten_bytes_is_told_when_it_is_whole(ranges: list[Range], told: list[int]) -> None:
    parts = FetchedParts[str]()
    heard = [one for at in ranges for one in parts.fetched("a", *at, 10, 1.0, 0.0)]
    assert [one.bytes for one in heard] == told
    assert sum(one.seconds for one in [*heard, *parts.all()]) == len(ranges)


def test_an_empty_file_is_whole_at_once() -> None:
    parts = FetchedParts[str]()
    assert parts.fetched("a", 0, 0, 0, 0.5, 0.0) == [("a", 0, 0.5)]
    assert len(parts) == 0


def test_a_part_is_told_when_nothing_more_of_it_is_asked_for() -> None:
    parts = FetchedParts[str]()
    assert parts.fetched("a", 0, 3, 10, 1.0, 0.0) == []
    assert parts.fetched("b", 0, 2, 10, 1.0, 5.0) == []
    assert parts.fetched("a", 5, 6, 10, 1.0, 7.0) == []
    assert parts.overdue(5.0 + WAIT - 0.1) == []
    assert parts.overdue(5.0 + WAIT) == [("b", 2, 1.0)]
    assert parts.overdue(7.0 + WAIT) == [("a", 4, 2.0)]
    assert parts.overdue(1e9) == []


def test_what_is_known_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_parts, "MOST", 2)
    monkeypatch.setattr(fetched_parts, "RANGES", 3)
    parts = FetchedParts[str]()
    told = [parts.fetched(key, 0, 1, 10, 0.0, 0.0) for key in "abc"]
    assert told == [[], [], [("a", 1, 0.0)]]
    scattered = [parts.fetched("b", at, at + 1, 100, 0.0, 0.0) for at in (2, 4, 6)]
    assert scattered == [[], [], [("b", 4, 0.0)]]
