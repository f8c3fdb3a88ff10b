"""Rates of the last minutes and the last day, on a clock of numbers."""

import sys

import pytest

from cargo_sync.machines.rate_history import DAY, TEN_MINUTES, RateHistory, RateSpan


def bits(history: RateHistory, span: RateSpan, now: float, last: int = 4) -> list[float | None]:
    return list(history.samples(span, now, 0.0).bits[-last:])


def test_what_moved_is_spread_over_its_time() -> None:
    history = RateHistory()
    history.add(1_000.0, 1_015.0, 1_500, 30)
    assert bits(history, TEN_MINUTES, 1_019.0) == [800.0, 800.0, 800.0, 0.0]
    assert list(history.samples(TEN_MINUTES, 1_019.0, 0.0).files[-4:]) == [2.0, 2.0, 2.0, 0.0]
    history.add(1_015.0, 1_017.5, 1_000, 0)
    assert bits(history, TEN_MINUTES, 1_017.5) == [800.0, 800.0, 800.0, 3_200.0], "per its time"
    assert bits(history, TEN_MINUTES, 1_024.0) == [800.0, 800.0, 1_600.0, 0.0]


def test_a_moment_counts_in_its_step() -> None:
    history = RateHistory()
    history.add(1_003.0, 1_003.0, 10, 1)
    assert bits(history, TEN_MINUTES, 1_009.9, 2) == [16.0, 0.0]


def test_what_is_old_goes_and_gaps_are_empty() -> None:
    history = RateHistory()
    history.add(0.0, 5.0, 100, 1)
    assert bits(history, TEN_MINUTES, 599.0, 120)[0] == 160.0
    assert set(bits(history, TEN_MINUTES, 605.0, 120)) == {0.0}
    assert bits(history, DAY, 605.0, 3)[0] == pytest.approx(800 / 300)
    history.add(5_000.0, 5_001.0, 100, 1)
    assert sum(filter(None, bits(history, TEN_MINUTES, 5_002.0, 120))) == 8 * 100 / 2
    history.add(0.0, 90_000.0, 90_000, 0)
    assert bits(history, TEN_MINUTES, 90_001.0, 2)[0] == 8.0, "only what is within the span"


def test_nobody_counted_before_the_start() -> None:
    history = RateHistory()
    samples = history.samples(TEN_MINUTES, 1_012.0, 1_006.0)
    assert samples.bits[-4:] == (None, None, 0.0, 0.0) and samples.files[-3] is None
    history.add(1_006.0, 1_010.0, 400, 0)
    assert history.samples(TEN_MINUTES, 1_012.0, 1_006.0).bits[-2] == 800.0, "per 4 s"
    assert (samples.step, samples.first) == (5, 1_010.0 - 119 * 5)


def test_it_is_bounded() -> None:
    history = RateHistory()
    assert not history._rings, "an idle job keeps nothing"
    for second in range(0, 200_000, 7):
        history.add(second, second + 7, 1_000, 1)
    size = sum(
        sys.getsizeof(ring._bytes) + sys.getsizeof(ring._files) for ring in history._rings.values()
    )
    assert size < 8_000
    assert bits(history, DAY, 200_000.0, 3)[0] == pytest.approx(8_000 / 7)
