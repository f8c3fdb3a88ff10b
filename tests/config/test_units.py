from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.config.places import listen_address, network
from cargo_sync.config.units import (
    format_clock,
    format_speed,
    parse_clock,
    parse_size,
    parse_speed,
)


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("10mbps", 10_000_000),
        ("512kbps", 512_000),
        ("800bps", 800),
        ("1.5gbps", 1_500_000_000),
        (" 2.5 Mbps ", 2_500_000),
        ("0.1kbps", 100),
    ],
)
def test_rates_are_bits_in_decimal_units(text: str, bits: int) -> None:
    assert parse_speed(text) == bits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "10mb",
        "10 MB/s",
        "-1mbps",
        "1e3bps",
        "mbps",
        "0bps",
        "0.1bps",
        "١mbps",
        "1000001gbps",
        "9" * 400 + "bps",
    ],
)
def test_what_is_no_speed(text: str) -> None:
    with pytest.raises(ValueError, match="speed"):
        parse_speed(text)


@pytest.mark.parametrize(
    "read",
    [parse_speed, parse_size, parse_clock, listen_address, network],
    ids=lambda read: read.__name__,
)
def test_of_a_very_long_text_the_beginning_is_quoted(read: Callable[[str], object]) -> None:
    with pytest.raises(ValueError) as raised:
        read("x" * 5_000)
    assert f'"{"x" * 60}…" is not a' in str(raised.value) and len(str(raised.value)) < 120


def test_rates_as_text() -> None:
    assert [format_speed(n) for n in (800, 512_000, 10_000_000, 1_500_000_000, 1_234_567)] == [
        "800bps",
        "512kbps",
        "10mbps",
        "1.5gbps",
        "1.235mbps",
    ]


@given(st.integers(1, 999_999), st.sampled_from([1, 1_000, 1_000_000]))
def test_a_rate_survives_its_text(number: int, unit: int) -> None:
    assert parse_speed(format_speed(number * unit)) == number * unit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10:00pm", "22:00"),
        ("12:00am", "00:00"),
        ("12:30pm", "12:30"),
        ("06:00", "06:00"),
        ("6:05 AM", "06:05"),
        ("23:59", "23:59"),
        ("00:00", "00:00"),
    ],
)
def test_times_of_day(text: str, shown: str) -> None:
    assert format_clock(parse_clock(text)) == shown


@pytest.mark.parametrize(
    "text", ["", "10", "10pm", "24:00", "13:00pm", "0:30am", "12:60", "ten", "1:2:3", "-1:00"]
)
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time of day"):
        parse_clock(text)


@given(st.integers(0, 24 * 60 - 1), st.booleans())
def test_a_time_of_day_survives_its_text(minutes: int, twelve: bool) -> None:
    text = format_clock(minutes)
    if twelve:
        hour, minute = divmod(minutes, 60)
        text = f"{hour % 12 or 12}:{minute:02}{'pm' if hour >= 12 else 'am'}"
    assert parse_clock(text) == minutes


@given(st.integers(0, 999_999), st.sampled_from(["B", "kB", "MB", "GB"]))
def test_a_size_is_what_its_unit_says(number: int, unit: str) -> None:
    factor = 1_000 ** ["B", "kB", "MB", "GB"].index(unit)
    assert parse_size(f"{number}{unit}") == parse_size(f" {number} {unit.lower()} ")
    assert parse_size(f"{number}{unit}") == number * factor


@pytest.mark.parametrize("parse", [parse_speed, parse_size, parse_clock])
@given(st.text("0123456789.:-+e \u0661gGmMkKbBpPsSaA", max_size=12))
def test_any_text_is_a_number_in_its_bounds_or_refused(
    parse: Callable[[str], int], text: str
) -> None:
    most = 24 * 60 - 1 if parse is parse_clock else 10**15
    try:
        assert 0 <= parse(text) <= most
    except ValueError as error:
        assert str(error)
