"""Windows of local time, on the nights when the clocks change."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cargo_sync.config.timetable import DAY, TimetableRow, Window
from cargo_sync.machines.window import interval, is_open, next_edge, next_row, speed_at

MADRID = ZoneInfo("Europe/Madrid")
ZONES = [
    MADRID,  # an hour, at 02:00 and 03:00
    ZoneInfo("America/New_York"),
    ZoneInfo("Australia/Lord_Howe"),  # half an hour
    ZoneInfo("America/Havana"),  # at midnight: a day that begins twice
    ZoneInfo("Asia/Beirut"),  # at midnight: a day that begins at 01:00
    ZoneInfo("Pacific/Apia"),  # there was no 30 December 2011
    ZoneInfo("Pacific/Kwajalein"),  # no 21 August 1993
    UTC,
]
WINDOWS = st.builds(Window, st.integers(0, DAY - 1), st.integers(1, DAY)).filter(
    lambda window: window.start != window.end
)


def window(start: str, end: str) -> Window:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (start, end)]
    return Window(minutes[0], minutes[1] or DAY)


def at(text: str, zone: tzinfo = MADRID) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def shown(time: float | None, zone: tzinfo = MADRID) -> str:
    assert time is not None
    return datetime.fromtimestamp(time, zone).strftime("%d %H:%M %z")


@pytest.mark.parametrize(
    ("why", "zone", "times", "day", "opens", "closes"),
    [
        (
            "an ordinary night",
            "Europe/Madrid",
            "22:00 02:30",
            "2026-07-01",
            "01 22:00 +0200",
            "02 02:30 +0200",
        ),
        (
            "until midnight",
            "Europe/Madrid",
            "22:00 00:00",
            "2026-07-01",
            "01 22:00 +0200",
            "02 00:00 +0200",
        ),
        (
            "half past two comes twice: the first counts",
            "Europe/Madrid",
            "22:00 02:30",
            "2026-10-24",
            "24 22:00 +0200",
            "25 02:30 +0200",
        ),
        (
            "both in the hour that comes twice: open once",
            "Europe/Madrid",
            "02:15 02:45",
            "2026-10-25",
            "25 02:15 +0200",
            "25 02:45 +0200",
        ),
        (
            "across the whole repeated hour: an hour longer",
            "Europe/Madrid",
            "01:30 03:30",
            "2026-10-25",
            "25 01:30 +0200",
            "25 03:30 +0100",
        ),
        (
            "half past two never comes: an hour from the jump on is half past three",
            "Europe/Madrid",
            "22:00 02:30",
            "2026-03-28",
            "28 22:00 +0100",
            "29 03:30 +0200",
        ),
        (
            "across midnight and the hour that never comes: an hour shorter",
            "Europe/Madrid",
            "22:00 06:00",
            "2026-03-28",
            "28 22:00 +0100",
            "29 06:00 +0200",
        ),
        (
            "exactly the hour that never comes: as long as ever",
            "Europe/Madrid",
            "02:00 03:00",
            "2026-03-29",
            "29 03:00 +0200",
            "29 04:00 +0200",
        ),
        (
            "both in the hour that never comes",
            "Europe/Madrid",
            "02:15 02:45",
            "2026-03-29",
            "29 03:15 +0200",
            "29 03:45 +0200",
        ),
        (
            "the end would come before the start: as long as ever",
            "Europe/Madrid",
            "02:30 03:15",
            "2026-03-29",
            "29 03:30 +0200",
            "29 04:15 +0200",
        ),
        (
            "New York goes back at two",
            "America/New_York",
            "23:00 01:30",
            "2026-10-31",
            "31 23:00 -0400",
            "01 01:30 -0400",
        ),
        (
            "Lord Howe goes back by half an hour",
            "Australia/Lord_Howe",
            "01:00 01:45",
            "2026-04-05",
            "05 01:00 +1100",
            "05 01:45 +1100",
        ),
        (
            "Lord Howe goes forward by half an hour",
            "Australia/Lord_Howe",
            "02:10 02:20",
            "2026-10-04",
            "04 02:40 +1100",
            "04 02:50 +1100",
        ),
        (
            "a day that begins at one",
            "Asia/Beirut",
            "00:00 06:00",
            "2022-03-27",
            "27 01:00 +0300",
            "27 06:00 +0300",
        ),
        (
            "a day that there was not has the next one's window",
            "Pacific/Apia",
            "22:00 02:30",
            "2011-12-30",
            "31 22:00 +1400",
            "01 02:30 +1400",
        ),
        (
            "the day before it ends with what came next",
            "Pacific/Apia",
            "22:00 02:30",
            "2011-12-29",
            "29 22:00 -1000",
            "31 02:30 +1400",
        ),
    ],
)
def test_a_day_has_one_interval(
    why: str, zone: str, times: str, day: str, opens: str, closes: str
) -> None:
    place = ZoneInfo(zone)
    start, end = interval(window(*times.split()), date.fromisoformat(day), place)
    assert (shown(start, place), shown(end, place)) == (opens, closes), why


def test_start_belongs_to_it_and_end_does_not() -> None:
    night = window("22:00", "02:30")
    moments = ["2026-07-01 21:59:59", "2026-07-01 22:00", "2026-07-02 02:29:59", "2026-07-02 02:30"]
    assert [is_open(night, MADRID, at(moment)) for moment in moments] == [False, True, True, False]


def test_the_repeated_half_past_two_opens_nothing() -> None:
    night = window("22:00", "02:30")
    first = at("2026-10-25 02:29")
    assert (is_open(night, MADRID, first), is_open(night, MADRID, first + 3600)) == (True, False)
    assert shown(next_edge(night, MADRID, first)) == "25 02:30 +0200"
    assert shown(next_edge(night, MADRID, first + 3600)) == "25 22:00 +0100"


@pytest.mark.parametrize("end", ["02:00", "02:30"])
def test_where_a_jump_makes_two_nights_meet_nothing_closes(end: str) -> None:
    nearly_always = window("03:00", end)
    closes = shown(next_edge(nearly_always, MADRID, at("2026-03-28 12:00")))
    assert closes == f"30 {end} +0200", "the windows of two days meet at 03:00"


def test_one_that_never_closes_has_no_edge() -> None:
    for always in (Window(0, DAY), Window(600, 600)):
        assert is_open(always, MADRID, at("2026-10-25 02:30"))
        assert next_edge(always, MADRID, at("2026-10-25 02:30")) is None


AROUND = [
    at("2026-10-25 02:30"), at("2026-03-29 03:00"), at("2026-11-01 01:30"), at("2011-12-31 00:00"),
    at("2026-10-04 02:00", ZONES[2]), at("1993-08-20 12:00"), at("2022-03-27 00:00", ZONES[4]),
]  # fmt: skip
TIMES = st.one_of(
    st.integers(0, 2**32),
    st.builds(
        lambda edge, off: int(edge) + off, st.sampled_from(AROUND), st.integers(-200_000, 200_000)
    ),
)


@given(WINDOWS, st.sampled_from(ZONES), TIMES)
@example(Window(22 * 60, 150), ZONES[5], int(at("2011-12-29 22:00", ZONES[5])))
def test_open_exactly_when_some_days_interval_holds_the_moment(
    window: Window, zone: tzinfo, moment: int
) -> None:
    first = datetime.fromtimestamp(moment, UTC).date() - timedelta(days=8)
    days = [interval(window, first + timedelta(days=n), zone) for n in range(17)]
    assert all(start < end for start, end in days)
    assert is_open(window, zone, moment) == any(start <= moment < end for start, end in days)


@given(WINDOWS, st.sampled_from(ZONES), TIMES)
def test_the_next_edge_is_where_it_turns_and_nothing_turns_before(
    window: Window, zone: tzinfo, moment: int
) -> None:
    edge, now = next_edge(window, zone, moment), is_open(window, zone, moment)
    if edge is None:
        assert window.length == DAY and now
        return
    assert moment < edge <= moment + 3 * 86_400
    assert is_open(window, zone, edge) != now
    steps = {moment + (edge - moment) * n // 50 for n in range(50)} | {edge - 1}
    assert {is_open(window, zone, step) for step in steps} == {now}


def test_a_timetable_gives_the_rate_of_its_row() -> None:
    rows = [TimetableRow(window("08:00", "18:00"), 10), TimetableRow(window("22:00", "02:30"), 20)]
    rates = [
        ("07:59", None),
        ("08:00", 10),
        ("17:59", 10),
        ("18:00", None),
        ("23:00", 20),
        ("02:00", 20),
    ]
    assert [speed_at(rows, MADRID, at(f"2026-07-01 {time}")) for time, _ in rates] == [
        rate for _, rate in rates
    ]
    assert shown(next_row(rows, MADRID, at("2026-07-01 09:00"))) == "01 18:00 +0200"
    assert shown(next_row(rows, MADRID, at("2026-07-01 19:00"))) == "01 22:00 +0200"
    assert next_row([], MADRID, 0) is None


def test_where_a_jump_makes_two_rows_meet_the_lower_rate_counts() -> None:
    rows = [TimetableRow(window("02:15", "02:45"), 30), TimetableRow(window("03:00", "03:30"), 10)]
    moment = at("2026-03-29 03:20")
    assert speed_at(rows, MADRID, moment) == speed_at(rows[::-1], MADRID, moment) == 10


def test_a_row_that_is_always_open_ends_no_other() -> None:
    rows = [TimetableRow(Window(0, DAY), 10), TimetableRow(window("08:00", "18:00"), 20)]
    assert next_row(rows[:1], MADRID, at("2026-07-01 09:00")) is None
    assert shown(next_row(rows, MADRID, at("2026-07-01 09:00"))) == "01 18:00 +0200"
