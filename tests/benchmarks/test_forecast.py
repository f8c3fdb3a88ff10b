import pytest

from benchmarks.transfers.forecast import IDLE, PREPARED, Forecast, Group, Step, words
from benchmarks.transfers.workloads import WORKLOADS, Direction, Mode

SMALL = Step(WORKLOADS["small"], Mode.SEALED, Direction.UP)
LARGE = Step(WORKLOADS["large"], Mode.PLAIN, Direction.DOWN)
BEFORE, RUN = PREPARED, Group(SMALL, 1, 0).each
LAST = PREPARED + Group(LARGE, 1, 0).each


@pytest.fixture
def forecast() -> Forecast:
    return Forecast([Group(SMALL, 4, 0), Group(LARGE, 1, 0)])


def test_before_the_first_run_it_is_a_guess(forecast: Forecast) -> None:
    assert forecast.left(0.0) == forecast.total == BEFORE + 4 * RUN + LAST


def test_what_is_done_says_how_slow_the_machine_is(forecast: Forecast) -> None:
    forecast.ran(SMALL)
    assert forecast.left(2 * (BEFORE + RUN)) == pytest.approx(2 * (3 * RUN + LAST))


def test_runs_that_never_come_are_left_out(forecast: Forecast) -> None:
    forecast.ran(SMALL)
    forecast.ran(LARGE)
    assert forecast.left(10.0) == 0.0


def test_files_that_are_asked_for_by_name_take_longer() -> None:
    assert Group(SMALL, 1, 0, named=0.5).each > 2 * RUN


def test_programs_are_watched_for_a_fixed_time() -> None:
    assert Group(Step(WORKLOADS["idle"], Mode.SEALED, Direction.UP), 1, 0).each == IDLE


def test_minutes_are_rounded() -> None:
    assert words(89) == "less than 2 min left"
    assert words(12.4 * 60) == "about 12 min left"
