"""Numbers and names as text, and columns that line up."""

import pytest

from cargo_ctl.render.table import table
from cargo_ctl.render.words import count, duration, escaped, percent, rate, size


def test_sizes_and_rates() -> None:
    sizes = [size(n) for n in (0, 999, 1_000, 1_234_567, 999_949, 999_951, 256 * 2**20, 5e12, 7e15)]
    assert sizes == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.2 MB",
        "999.9 kB",
        "1.0 MB",
        "268.4 MB",
        "5.0 TB",
        "7.0 PB",
    ]
    assert rate(80_000_000) == "10.0 MB/s"


def test_durations() -> None:
    seconds = (-3, 0.4, 45, 60, 200, 3_600, 3_605, 12_345, 90_000, 1_000_000)
    assert [duration(n) for n in seconds] == [
        "0 s",
        "0 s",
        "45 s",
        "1 min",
        "3 min 20 s",
        "1 h",
        "1 h",
        "3 h 25 min",
        "1 d 1 h",
        "11 d 13 h",
    ]


def test_counts_and_shares() -> None:
    assert [count(1, "file"), count(3_000, "file")] == ["1 file", "3,000 files"]
    assert [percent(0, 0), percent(999, 1000), percent(5, 5)] == ["100%", "99%", "100%"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("naïve 日本 👩‍👧 -x", "naïve 日本 👩‍👧 -x"),
        ("a\x1b[2J\nb\r\t", "a\\x1b[2J\\x0ab\\x0d\\x09"),
        ("\x7f\x9b31m", "\\x7f\\x9b31m"),
        ("invoice\u202egpj.exe\u2028", "invoice\\u202egpj.exe\\u2028"),
        ("caf\udce9", "caf\\udce9"),
    ],
)
def test_a_name_can_do_nothing_to_a_terminal(name: str, shown: str) -> None:
    assert escaped(name) == shown


def test_columns_line_up_with_wide_names() -> None:
    rows = [("日本", "1 B"), ("e\u0301", "10.0 MB"), ("plain", "")]
    assert table(("NAME", "SIZE"), rows, {1}).splitlines() == [
        "NAME      SIZE",
        "日本       1 B",
        "e\u0301      10.0 MB",
        "plain",
    ]
