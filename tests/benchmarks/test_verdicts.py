import pytest

from benchmarks.transfers import table
from benchmarks.transfers.metering import Took
from benchmarks.transfers.verdicts import p99, ratio, rows
from benchmarks.transfers.workloads import WORKLOADS, Direction, Mode

SMALL = WORKLOADS["small"]


def took(*seconds: float) -> list[Took]:
    return [Took(one, 2 * one, one, 0.5, 100_000_000) for one in seconds]


def test_the_verdict_is_the_median_of_the_rounds_ratios() -> None:
    # A slow second round hurts both alike; the ratio of the medians would be 2.4.
    assert ratio(took(3.0, 30.0, 2.4), took(2.0, 20.0, 1.0)) == 1.5


def test_without_ours_there_is_no_verdict() -> None:
    assert ratio(took(1.0), []) is None


def test_rounds_without_a_partner_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        ratio(took(1.0), took(1.0, 2.0))


def test_rows_are_medians_with_rates() -> None:
    taken = {("cargo", "https"): took(1.0, 4.0, 2.0), ("rsync", "rsync://"): took(3.0, 6.0, 5.0)}
    ours, theirs = rows(SMALL, Mode.SEALED, Direction.UP, taken, "cargo")
    assert (ours.tool, ours.seconds, ours.ours_is) == ("cargo", 2.0, 1.0)
    assert (ours.fastest, ours.slowest, ours.runs) == (1.0, 4.0, 3)
    assert (ours.files_per_s, ours.mb_per_s) == (10_000, 41.0)
    assert (theirs.over, theirs.cpu_seconds, theirs.cpu_later) == ("rsync://", 10.0, 0.5)
    assert (theirs.rss_mb, theirs.ours_is) == (100.0, 2.5)


def test_a_table_has_a_line_per_tool() -> None:
    taken = {("cargo", "https"): took(1.0), ("rsync", "rsync://"): took(1.5)}
    shown = table.lines(rows(SMALL, Mode.SEALED, Direction.DOWN, taken, "cargo"))
    assert shown == [
        "small, sealed, down, medians of 1",
        "tool        over              s    CPU s     far   later     MB/s    files/s"
        "      MB  ours is",
        "cargo       https         1.000     2.00    1.00    0.50       82     20,000"
        "     100   x 1.00",
        "rsync       rsync://      1.500     3.00    1.50    0.50       55     13,333"
        "     100   x 1.50",
        "",
    ]


def test_the_slowest_of_a_hundred_answers_counts() -> None:
    assert p99([0.001] * 98 + [0.004, 0.002]) == 4.0
    assert p99([]) is None
