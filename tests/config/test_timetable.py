"""`speed` as a timetable: what is taken, and what is said of what is not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.config.shape import SeveralError
from cargo_sync.config.timetable import DAY, DailySpeed, TimetableRow, Window, read_speed
from cargo_sync.config.units import format_clock, format_speed


def row(start: str, end: str, speed: str = "10mbps") -> dict[str, str]:
    return {"from": start, "to": end, "speed": speed}


def test_one_rate_or_rows() -> None:
    assert read_speed("10mbps") == DailySpeed(10_000_000)
    assert read_speed([row("8:00am", "18:00"), row("10:00pm", "12:00am", "1mbps")]) == DailySpeed(
        rows=(
            TimetableRow(Window(480, 1080), 10_000_000),
            TimetableRow(Window(1320, 1440), 1_000_000),
        )
    )


def test_rows_that_meet_do_not_overlap() -> None:
    assert len(read_speed([row("08:00", "18:00"), row("18:00", "08:00")]).rows) == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [row("08:00", "18:00"), row("17:00", "19:00")],
            ["17:00 to 19:00 overlaps with 08:00 to 18:00; only one speed is possible"],
        ),
        (
            [row("22:00", "06:00"), row("05:00", "07:00")],
            ["05:00 to 07:00 overlaps with 22:00 to 06:00; only one speed is possible"],
        ),
        (
            [row("05:00", "07:00"), row("22:00", "06:00")],
            ["22:00 to 06:00 overlaps with 05:00 to 07:00; only one speed is possible"],
        ),
        (
            [row("08:00", "18:00")] * 3,
            ["08:00 to 18:00 overlaps with 08:00 to 18:00; only one speed is possible"] * 2,
        ),
        (
            [row("08:00", "08:00")],
            ['is the same as from; for the whole day write only "speed": "10mbps"'],
        ),
        (
            [row("8", "18:00", "10")],
            [
                '"8" is not a time of day (expected: a time of day such as "10:00pm", "12:00am" '
                'or "22:00")',
                '"10" is not a speed (expected: a number and bps, kbps, mbps or gbps, such as '
                '"10mbps")',
            ],
        ),
        (
            [{"from": "08:00", "untl": "18:00", "speed": 10}],
            [
                "is not a field here (known: from, speed, to)",
                'is missing (expected: a time of day such as "10:00pm", "12:00am" or "22:00")',
                "must be text in quotes, not a number (expected: a number and bps, kbps, mbps "
                "or gbps, such as "
                '"10mbps")',
            ],
        ),
        (["08:00"], ["must be an object with from, to and speed, not text"]),
    ],
)
def test_what_is_wrong_is_said_at_once(rows: list[Any], said: list[str]) -> None:
    with pytest.raises(SeveralError) as caught:
        read_speed(rows)
    assert [str(error) for error in caught.value.errors] == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "is an empty list; leave it out for no limit"),
        (7, "must be text in quotes or a list, not a number"),
    ],
)
def test_what_is_no_timetable(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_speed(value)


@given(
    st.lists(st.integers(1, DAY), min_size=2, max_size=8, unique=True).map(sorted),
    st.integers(1, 999_999),
)
def test_a_timetable_survives_its_text(times: list[int], speed: int) -> None:
    windows = [Window(*pair) for pair in zip(times[::2], times[1::2], strict=False)]
    texts = [
        row(format_clock(one.start), format_clock(one.end % DAY), format_speed(speed))
        for one in windows
    ]
    assert read_speed(texts).rows == tuple(TimetableRow(one, speed) for one in windows)


_ANY: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(), st.sampled_from(["08:00", "18:00", "10mbps", "x", ""])
)


@given(
    st.one_of(
        _ANY,
        st.lists(
            st.dictionaries(st.sampled_from(["from", "to", "speed", "other"]), _ANY), max_size=3
        ),
    )
)
def test_anything_is_a_timetable_or_refused(value: Any) -> None:
    try:
        found = read_speed(value)
    except SeveralError as error:
        assert error.errors
    except ValueError as error:
        assert str(error)
    else:
        assert found.flat or found.rows
