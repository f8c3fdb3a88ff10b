"""Days and times at which users expire."""

from datetime import datetime

import pytest

from cargo_sync.config.expiry import parse_expiry


def local(*when: int) -> float:
    return datetime(*when).timestamp()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2027-01-31", local(2027, 2, 1)),
        (" 2027-12-31 ", local(2028, 1, 1)),
        ("2027-01-31T18:00", local(2027, 1, 31, 18)),
        ("2027-01-31 18:00:30", local(2027, 1, 31, 18, 0, 30)),
        ("2027-01-31T18:00+01:00", 1_801_414_800.0),
        ("2027-01-31T17:00Z", 1_801_414_800.0),
    ],
)
def test_a_day_counts_until_its_end(text: str, at: float) -> None:
    assert parse_expiry(text) == at


@pytest.mark.parametrize(
    "text",
    ["", "never", "31.1.2027", "2027-02-30", "20270131", "2027-01-31T25:00", "9999-12-31", "2027"],
)
def test_what_is_no_day_and_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a day or a time"):
        parse_expiry(text)
